/** One guard of the product taken away, as a change of one place in one source file. */
export interface Mutant {
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Why no schedule can tell it from the product; absent: it breaks a promise, and is to be found out. */
  readonly unseen?: string;
}

/** The source with the guard taken away. Throws when it is not there, or more than once. */
export function mutate(source: string, { name, file, from, to }: Mutant): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`The mutant "${name}" has ${parts.length - 1} places in ${file} instead of one.`);
  return parts.join(to);
}
