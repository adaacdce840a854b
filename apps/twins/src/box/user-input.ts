import { badParameter, badParameters, missingParameter, type ParameterProblem } from './errors.ts';
import { userRoles, userStatuses, type TrackingCode, type UserProfile } from './user-store.ts';

/** What a create or update asks for, checked; a key that is absent was not sent. */
export interface UserChanges {
  profile: Partial<UserProfile>;
  login?: string;
  externalId?: string;
  platformAccessOnly?: boolean;
  notificationEmail?: { email: string } | null;
  leaveEnterprise: boolean;
}

/** Space Box reports for an account without a limit, which is asked for as -1. */
const unlimitedSpace = 1_000_000_000_000_000;

/**
 * Checks a POST or PUT /users body against the published parameters (OpenAPI post_users, put_users_id). Unknown keys
 * are ignored; everything wrong is reported in one 400. `name` is required on create only.
 */
export function readUserChanges(body: Record<string, unknown>, mode: 'create' | 'update'): UserChanges {
  const from = new Reader(body);
  const name = from.text('name', 50);
  if (name?.trim() === '') from.problem('name', "'name' must not be empty");
  if (mode === 'create') from.require('name');

  const changes: UserChanges = { profile: readProfile(from), leaveEnterprise: false };
  if (name !== undefined) changes.profile.name = name;
  changes.login = from.email('login');
  changes.externalId = from.text('external_app_user_id', 255);
  if (changes.externalId === '') from.problem('external_app_user_id', 'It must not be empty');
  if (mode === 'create') {
    changes.platformAccessOnly = from.flag('is_platform_access_only');
    if (changes.platformAccessOnly !== true) from.require('login');
  } else {
    from.flag('notify');
    from.flag('is_password_reset_required');
    changes.leaveEnterprise = from.isNull('enterprise');
    changes.notificationEmail = from.notificationEmail();
  }
  from.finish();
  return changes;
}

function readProfile(from: Reader): Partial<UserProfile> {
  const space = from.integer('space_amount', -1);
  const profile: Partial<UserProfile> = {
    role: from.oneOf('role', userRoles),
    status: from.oneOf('status', userStatuses),
    language: from.text('language', 50),
    timezone: from.timezone('timezone'),
    job_title: from.text('job_title', 100),
    phone: from.text('phone', 100),
    address: from.text('address', 255),
    space_amount: space === -1 ? unlimitedSpace : space,
    tracking_codes: from.trackingCodes('tracking_codes'),
    can_see_managed_users: from.flag('can_see_managed_users'),
    is_sync_enabled: from.flag('is_sync_enabled'),
    is_external_collab_restricted: from.flag('is_external_collab_restricted'),
    is_exempt_from_device_limits: from.flag('is_exempt_from_device_limits'),
    is_exempt_from_login_verification: from.flag('is_exempt_from_login_verification'),
  };
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
}

/** Parses a JSON object body; anything else is Box's 400 about the entity body. */
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

const emailShape = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

/** Reads typed values out of a body and gathers what is wrong with them. */
class Reader {
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

  /** True for null, the only value Box takes here. */
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
