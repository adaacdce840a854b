import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** One environment variable: what it must be, an example to show, and whether it may come from NAME_FILE. */
export interface Variable<T extends z.ZodType = z.ZodType> {
  readonly schema: T;
  readonly example: string;
  readonly secret?: boolean;
}

export type Variables = Readonly<Record<string, Variable>>;
export type Values<V extends Variables> = { readonly [K in keyof V]: z.infer<V[K]['schema']> };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every wrong or missing variable, a line each. No value is repeated: it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(`The configuration is not complete:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/**
 * Reads and checks the variables. An empty value counts as missing. A secret NAME may be given as NAME_FILE, the path of a
 * file that holds it. Throws ConfigError naming every fault at once.
 */
export function readVariables<V extends Variables>(variables: V, environment: Environment): Values<V> {
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
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(values) as Values<V>;
}

function rawValue(name: string, { secret }: Variable, environment: Environment): string | undefined {
  const value = environment[name] === '' ? undefined : environment[name];
  const file = secret ? environment[`${name}_FILE`] : undefined;
  if (!file) return value;
  if (value !== undefined) throw new Error(`is set twice, also by ${name}_FILE`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`cannot be read from the file that ${name}_FILE names`);
  }
}

function describe(
  name: string,
  { example, secret }: Variable,
  message: string,
  environment: Environment,
): string {
  const missing = !environment[name] && !(secret && environment[`${name}_FILE`]);
  return `${name} ${missing ? 'is missing' : message}. Example: ${name}=${example}`;
}

export const text = z.string();
export const wholeNumber = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .default(fallback);

/** An http or https address without user name, query or fragment; gives it without a trailing slash. */
export const address = z
  .string()
  .refine((value) => {
    const url = URL.parse(value);
    return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash;
  }, 'must be an http or https address without query or fragment')
  .transform((value) => value.replace(/\/+$/, ''));

/** An address that is an origin alone, as cookies and redirects know it. */
export const origin = address.refine(
  (value) => new URL(value).origin === value,
  'must be an origin alone: http or https, a host in lower case, a port when it is not the usual one, no path',
);
