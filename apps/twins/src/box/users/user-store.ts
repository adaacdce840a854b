export const userStatuses = [
  'active',
  'inactive',
  'cannot_delete_edit',
  'cannot_delete_edit_upload',
] as const;
/** Languages by Box's own codes: ISO 639-1, with its own codes for variants (guide "Language codes"). */
export const userLanguages: readonly string[] =
  'bn da de en gb e2 e3 s2 es fi fr f2 hi it ja ko nb nl pl pt ru sv tr zh zt'.split(' ');
export const userRoles = ['coadmin', 'user'] as const;
type UserStatus = (typeof userStatuses)[number];
type UserKind = 'app' | 'managed' | 'external' | 'service';

export interface TrackingCode {
  type: 'tracking_code';
  name: string;
  value: string;
}

/** The fields that callers can set, under Box's own names. */
export interface UserProfile {
  name: string;
  role: 'admin' | 'coadmin' | 'user';
  language: string;
  timezone: string;
  space_amount: number;
  status: UserStatus;
  job_title: string;
  phone: string;
  address: string;
  tracking_codes: TrackingCode[];
  can_see_managed_users: boolean;
  is_sync_enabled: boolean;
  is_external_collab_restricted: boolean;
  is_exempt_from_device_limits: boolean;
  is_exempt_from_login_verification: boolean;
}

export interface BoxUser {
  id: string;
  kind: UserKind;
  /** The app that created an app user or a service account. */
  clientId: string | null;
  login: string;
  externalId: string | null;
  profile: UserProfile;
  notificationEmail: { email: string; is_confirmed: boolean } | null;
  createdAt: number;
  modifiedAt: number;
}

export const profileDefaults: Readonly<Omit<UserProfile, 'name'>> = Object.freeze({
  role: 'user',
  language: 'en',
  timezone: 'America/Los_Angeles',
  space_amount: 10_737_418_240,
  status: 'active',
  job_title: '',
  phone: '',
  address: '',
  tracking_codes: [],
  can_see_managed_users: true,
  is_sync_enabled: true,
  is_external_collab_restricted: false,
  is_exempt_from_device_limits: false,
  is_exempt_from_login_verification: false,
});

/**
 * All users in order of creation, with the two values that Box keeps unique: the external id per app, and the login.
 */
export class UserStore {
  readonly #byId = new Map<string, BoxUser>();
  readonly #byExternalId = new Map<string, BoxUser>();
  readonly #byLogin = new Map<string, BoxUser>();

  get(id: string): BoxUser | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<BoxUser> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  byExternalId(clientId: string, externalId: string): BoxUser | undefined {
    return this.#byExternalId.get(externalKey(clientId, externalId));
  }

  byLogin(login: string): BoxUser | undefined {
    return this.#byLogin.get(login.toLowerCase());
  }

  /** Adds a user; the caller has just checked that its id, external id and login are free. */
  insert(user: BoxUser): void {
    this.#byId.set(user.id, user);
    this.#index(user);
  }

  /** Changes the unique values and their indexes. */
  rename(user: BoxUser, changes: { login?: string; externalId?: string }): void {
    this.#unindex(user);
    Object.assign(user, changes);
    this.#index(user);
  }

  remove(user: BoxUser): void {
    this.#byId.delete(user.id);
    this.#unindex(user);
  }

  clear(): void {
    this.#byId.clear();
    this.#byExternalId.clear();
    this.#byLogin.clear();
  }

  #index(user: BoxUser): void {
    this.#byLogin.set(user.login.toLowerCase(), user);
    if (user.clientId !== null && user.externalId !== null) {
      this.#byExternalId.set(externalKey(user.clientId, user.externalId), user);
    }
  }

  #unindex(user: BoxUser): void {
    this.#byLogin.delete(user.login.toLowerCase());
    if (user.clientId !== null && user.externalId !== null) {
      this.#byExternalId.delete(externalKey(user.clientId, user.externalId));
    }
  }
}

const externalKey = (clientId: string, externalId: string): string => JSON.stringify([clientId, externalId]);
