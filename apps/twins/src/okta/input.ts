/** Invalid control input; the message names the field and the problem. */
export class InputError extends Error {
  constructor(field: string, problem: string) {
    super(`${field === '' ? 'body' : field}: ${problem}`);
    this.name = 'InputError';
  }
}

/** Turns an unknown value into a T, or throws an InputError that names `field`. */
export type Reader<T> = (value: unknown, field: string) => T;

export const bool: Reader<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw new InputError(field, 'must be true or false');
  return value;
};

export const string: Reader<string> = (value, field) => {
  if (typeof value !== 'string') throw new InputError(field, 'must be a string');
  return value;
};

/** A string of `min` to `max` characters. */
export const stringOf =
  (min: number, max: number): Reader<string> =>
  (value, field) => {
    const read = string(value, field);
    if (read.length < min || read.length > max) {
      throw new InputError(
        field,
        `must have ${String(min)} to ${String(max)} characters, not ${String(read.length)}`,
      );
    }
    return read;
  };

export const integer =
  (min: number, max: number): Reader<number> =>
  (value, field) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new InputError(field, `must be a whole number from ${String(min)} to ${String(max)}`);
    }
    return value;
  };

export const oneOf =
  <T extends string>(...choices: readonly T[]): Reader<T> =>
  (value, field) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new InputError(field, `must be one of ${choices.join(', ')}`);
    return found;
  };

export const orNull =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, field) =>
    value === null ? null : reader(value, field);

export const optional =
  <T>(reader: Reader<T>): Reader<T | undefined> =>
  (value, field) =>
    value === undefined ? undefined : reader(value, field);

export const listOf =
  <T>(reader: Reader<T>, max: number): Reader<T[]> =>
  (value, field) => {
    if (!Array.isArray(value) || value.length > max) {
      throw new InputError(field, `must be a list of at most ${String(max)}`);
    }
    return value.map((item: unknown, index) => reader(item, `${field}[${String(index)}]`));
  };

type Fields = Readonly<Record<string, Reader<unknown>>>;
type Read<F extends Fields> = { [Name in keyof F]: ReturnType<F[Name]> };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasAll<F extends Fields>(fields: F, read: Record<string, unknown>): read is Read<F> {
  return Object.keys(fields).every((name) => name in read);
}

/** An object with exactly these fields; an unknown field is refused, an absent optional one becomes undefined. */
export const object =
  <F extends Fields>(fields: F): Reader<Read<F>> =>
  (value, field) => {
    if (!isRecord(value)) throw new InputError(field, 'must be a JSON object');
    const at = (name: string): string => (field === '' ? name : `${field}.${name}`);
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) {
      throw new InputError(at(unknown), `is unknown; known are ${Object.keys(fields).join(', ')}`);
    }
    const read: Record<string, unknown> = {};
    for (const [name, reader] of Object.entries(fields)) read[name] = reader(value[name], at(name));
    if (!hasAll(fields, read)) throw new InputError(field, 'is incomplete');
    return read;
  };

/** A copy without the fields that are undefined. */
export function defined<T extends object>(value: T): T {
  const copy = { ...value };
  for (const name of Object.keys(copy)) {
    if (Reflect.get(copy, name) === undefined) Reflect.deleteProperty(copy, name);
  }
  return copy;
}
