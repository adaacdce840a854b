/** One guard of the product removed: in a source file or in the database. */
export type Mutant = SourceMutant | DatabaseMutant;

interface Named {
  readonly name: string;
  /** Why no schedule can tell it from the product; when absent, it breaks a promise and must be detected. */
  readonly unseen?: string;
}

/** A change at one place in one source file. */
export interface SourceMutant extends Named {
  /** The path from the root of the project. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** A statement that takes a trigger or a constraint from a migrated database. */
export interface DatabaseMutant extends Named {
  readonly sql: string;
}

/** The source without the guard. Throws when the guard is not in it exactly once. */
export function mutate(source: string, { name, file, from, to }: SourceMutant): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`The mutant "${name}" has ${parts.length - 1} places in ${file} instead of one.`);
  return parts.join(to);
}
