import { badParameter, badParameters, missingParameter, type ParameterProblem } from './errors.ts';
import type { TrackingCode } from '../users/user-store.ts';

/** Parses a JSON object; anything else is Box's 400 about the entity body. */
export function readJsonObject(body: string): Record<string, unknown> {
  const value = parse(body);
  if (isObject(value)) return value;
  const rule = 'Entity body should be a correctly nested resource attribute name/value pair';
  throw badParameters([badParameter('entity-body', body, rule)]);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isFlags = (value: unknown): value is Record<string, boolean> =>
  isObject(value) && Object.values(value).every((entry) => typeof entry === 'boolean');

const emailShape = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

/** Reads typed values from a body and collects the errors. */
export class BodyReader {
  readonly #problems: ParameterProblem[] = [];
  readonly #body: Record<string, unknown>;

  constructor(body: Record<string, unknown>) {
    this.#body = body;
  }

  problem(name: string, rule: string): void {
    this.#problems.push(badParameter(name, this.#body[name], rule));
  }

  require(name: string): void {
    if (this.#body[name] === undefined) this.#problems.push(missingParameter(name));
  }

  text(name: string, max: number): string | undefined {
    const value = this.#body[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') this.problem(name, 'It must be a string');
    else if ([...value].length > max) this.problem(name, `It must be at most ${max} characters long`);
    else return value;
    return undefined;
  }

  email(name: string): string | undefined {
    const value = this.text(name, 255);
    if (value === undefined || emailShape.test(value)) return value;
    this.problem(name, 'It must be an email address');
    return undefined;
  }

  timezone(name: string): string | undefined {
    const value = this.text(name, 100);
    if (value === undefined) return undefined;
    try {
      new Intl.DateTimeFormat('en-US', { timeZone: value });
      return value;
    } catch {
      this.problem(name, 'It must be a timezone');
      return undefined;
    }
  }

  /** The id of the required `{ id }` under this name. */
  reference(name: string): string | undefined {
    const value = this.#body[name];
    const id = isObject(value) ? value.id : undefined;
    const field = `${name}.id`;
    if (typeof id === 'string' && id !== '') return id;
    const missing = id === undefined && (value === undefined || isObject(value));
    this.#problems.push(missing ? missingParameter(field) : badParameter(field, id, 'It must be a string'));
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.#body[name];
    if (value === undefined || typeof value === 'boolean') return value;
    this.problem(name, 'It must be a boolean');
    return undefined;
  }

  integer(name: string, min: number): number | undefined {
    const value = this.#body[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
    this.problem(name, `It must be an integer of at least ${min}`);
    return undefined;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#body[name];
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.problem(name, `It must be one of ${choices.join(', ')}`);
    return chosen;
  }

  trackingCodes(name: string): TrackingCode[] | undefined {
    const value = this.#body[name];
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.problem(name, 'It must be an array');
      return undefined;
    }
    const codes = value.map((entry: unknown): TrackingCode | undefined =>
      isObject(entry) && typeof entry.name === 'string' && typeof entry.value === 'string'
        ? { type: 'tracking_code', name: entry.name, value: entry.value }
        : undefined,
    );
    const good = codes.filter((code) => code !== undefined);
    if (good.length < codes.length) this.problem(name, 'Each must have a name and a value');
    return good;
  }

  /** An object of booleans, or null. */
  flags(name: string): Record<string, boolean> | null | undefined {
    const value = this.#body[name];
    if (value === undefined || value === null) return value;
    if (isFlags(value)) return { ...value };
    this.problem(name, 'It must be null or an object of booleans');
    return undefined;
  }

  /** True for null, the only value that Box accepts here. */
  isNull(name: string): boolean {
    const value = this.#body[name];
    if (value !== undefined && value !== null) this.problem(name, 'It must be null');
    return value === null;
  }

  notificationEmail(): { email: string } | null | undefined {
    const value = this.#body.notification_email;
    if (value === undefined || value === null) return value;
    if (isObject(value) && typeof value.email === 'string' && emailShape.test(value.email)) {
      return { email: value.email };
    }
    this.problem('notification_email', 'It must be null or have an email');
    return undefined;
  }

  finish(): void {
    if (this.#problems.length > 0) throw badParameters(this.#problems);
  }
}
