/** One guard of the product removed, as a change at one place in one source file. */
export interface Mutant {
  readonly name: string;
  /** The path from the root of the project. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Why no schedule can tell it from the product; when absent, it breaks a promise and must be detected. */
  readonly unseen?: string;
}

/** The source without the guard. Throws when the guard is not in it exactly once. */
export function mutate(source: string, { name, file, from, to }: Mutant): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`The mutant "${name}" has ${parts.length - 1} places in ${file} instead of one.`);
  return parts.join(to);
}
