import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** One environment variable: its schema, an example, and whether it may come from NAME_FILE. */
export interface Variable<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  readonly example: string;
  readonly secret?: boolean;
}

export type Variables = Readonly<Record<string, Variable>>;
export type Values<V extends Variables> = { readonly [K in keyof V]: z.infer<V[K]['schema']> };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every wrong or missing variable, one line each. Values are never quoted, because they may be secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(`The configuration is not complete:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/**
 * Reads and checks the variables. White space around a value is removed, and an empty value counts as missing. A secret
 * NAME may be given as NAME_FILE, the path of a file that contains it. `rules` check several values together; an
 * invalid value is absent there. Throws ConfigError that names all errors at once.
 */
export function readVariables<V extends Variables>(
  variables: V,
  environment: Environment,
  rules: readonly Rule<V>[] = [],
): Values<V> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(variables)) {
    try {
      const parsed = variable.schema.safeParse(rawValue(name, variable, environment));
      if (parsed.success) values[name] = parsed.data;
      else
        faults.push(describe(name, variable, parsed.error.issues[0]?.message ?? 'is not valid', environment));
    } catch (error) {
      faults.push(
        describe(name, variable, error instanceof Error ? error.message : String(error), environment),
      );
    }
  }
  const isFaulty = (name: keyof V): boolean => !(name in values);
  for (const rule of rules) faults.push(...rule(values as Partial<Values<V>>, isFaulty));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(values) as Values<V>;
}

/**
 * The errors in a combination of values, one line each. `isFaulty`: the value itself is invalid, which is already
 * reported.
 */
export type Rule<V extends Variables> = (
  values: Partial<Values<V>>,
  isFaulty: (name: keyof V) => boolean,
) => readonly string[];

const trimmed = (value: string | undefined): string | undefined => value?.trim() || undefined;

function rawValue(name: string, { secret }: Variable, environment: Environment): string | undefined {
  const value = trimmed(environment[name]);
  const file = secret ? trimmed(environment[`${name}_FILE`]) : undefined;
  if (value !== undefined && file !== undefined) throw new Error(`is set twice, also by ${name}_FILE`);
  const given = file === undefined ? value : trimmed(contentOf(file, `${name}_FILE`));
  // A shell removes quotes; `docker run --env-file` and Kubernetes do not, so that they would become part of the value.
  if (given !== undefined && /^(["']).*\1$/s.test(given)) throw new Error('is in quotes: remove the quotes');
  return given;
}

function contentOf(file: string, names: string): string {
  try {
    return readText(file);
  } catch {
    throw new Error(`cannot be read from the file that ${names} names`);
  }
}

/**
 * A text file without its byte order mark, which editors on Windows write, in UTF-8 or UTF-16. Throws when it cannot be
 * read.
 */
export function readText(file: string): string {
  const bytes = readFileSync(file);
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

function describe(
  name: string,
  { example, secret }: Variable,
  message: string,
  environment: Environment,
): string {
  const missing = !trimmed(environment[name]) && !(secret && trimmed(environment[`${name}_FILE`]));
  return `${name} ${missing ? 'is missing' : message}. Example: ${name}=${example}`;
}

/** Any text without control characters: one inside is a mistake, and invisible. */
export const text = z.string().regex(/^\P{Cc}*$/u, 'must be one line without control characters');

/** An id or a secret as providers issue them. */
export const word = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be one word of printable ASCII characters, without white space');

export const wholeNumber = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback);

const webAddress = z.string().refine((value) => {
  // The URL Standard removes line feeds and tabs inside, but the stored value would keep them.
  if (!/^[\x21-\x7e]*$/.test(value)) return false;
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash;
}, 'must be an http or https address without white space, query or fragment');

const withoutSlash = (value: string): string => value.replace(/\/+$/, '');

/** An http or https address without user name, query or fragment; the result has no trailing slash. */
export const address = webAddress.transform(withoutSlash);

/**
 * The issuer of an OpenID provider, exactly as the provider spells it: Auth0's ends with a slash. Okta's issuers never
 * end with one, so a trailing slash is a mistake there.
 */
export const issuer = webAddress.transform((value) =>
  /(^|\.)okta(preview|-emea|-gov)?\.(com|mil)$/i.test(new URL(value).hostname) ? withoutSlash(value) : value,
);

/** An address that is only an origin, as cookies and redirects use it. */
export const origin = address.refine(
  (value) => new URL(value).origin === value,
  'must be only an origin: http or https, a host in lower case, the port if it is not the default, and no path',
);
