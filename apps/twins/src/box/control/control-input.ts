/** Invalid control input; the response is 400 with this message. */
export class ControlProblem extends Error {}

type Fields = Record<string, unknown>;

/** Reads a control body with types; every invalid or unknown field is named. */
export class ControlInput {
  readonly #fields: Fields;
  readonly #where: string;

  constructor(value: unknown, where: string, known: readonly string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ControlProblem(`${where} must be a JSON object`);
    }
    this.#fields = { ...value };
    this.#where = where;
    const unknown = Object.keys(this.#fields).filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new ControlProblem(`${where} has unknown ${unknown.join(', ')}; known are ${known.join(', ')}`);
    }
  }

  raw(name: string): unknown {
    return this.#fields[name];
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw this.wrong(name, 'a non-empty string');
  }

  needText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.wrong(name, 'a non-empty string');
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#fields[name];
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.wrong(name, 'true or false');
  }

  whole(name: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    throw this.wrong(name, `a whole number from ${min} to ${max}`);
  }

  needWhole(name: string, min: number, max?: number): number {
    const value = this.whole(name, min, max);
    if (value === undefined) throw this.wrong(name, `a whole number from ${min}`);
    return value;
  }

  /** Like `whole`, but null is allowed as a value. */
  wholeOrNull(name: string, min: number): number | null | undefined {
    return this.#fields[name] === null ? null : this.whole(name, min);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) throw this.wrong(name, `one of ${choices.join(', ')}`);
    return chosen;
  }

  list(name: string): unknown[] {
    const value = this.#fields[name] ?? [];
    if (Array.isArray(value)) return value;
    throw this.wrong(name, 'an array');
  }

  wrong(name: string, rule: string): ControlProblem {
    return new ControlProblem(`${this.#where}.${name} must be ${rule}`);
  }
}

/** The body as JSON; an empty one is an empty object. */
export function readControlJson(body: string): unknown {
  if (body.trim() === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new ControlProblem('The body is not JSON');
  }
}

/** Keeps only the given fields, so that they can be spread over current values. */
export function given<T extends object>(values: T): Partial<T> {
  const kept: Partial<T> = { ...values };
  for (const key of Object.keys(kept)) if (kept[key as keyof T] === undefined) delete kept[key as keyof T];
  return kept;
}
