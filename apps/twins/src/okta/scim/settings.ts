/**
 * How an app was created in Okta, which decides the form of its pushes. `aiw`: by the App Integration Wizard, every
 * write of users and groups is a PUT. `oin`: from the catalogue, activation, deactivation and groups are PATCHes.
 */
export const DIALECTS = ['aiw', 'oin'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** What an administrator enters on the app's Provisioning tab, and settings that only a twin has. */
export interface ScimSettings {
  /** Base URL of the SCIM server, without a trailing slash. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  token: string;
  dialect: Dialect;
  /** How spaces of a filter are encoded in the address: Okta was observed to send both. */
  blanks: 'percent' | 'plus';
  /** `full`: every mapped attribute, as documented; `short`: user name, name and e-mail without a type, as captured. */
  mappings: 'full' | 'short';
  /** Whether a group is created with its members, or empty and then filled. */
  createWithMembers: boolean;
  /** Whether changes of people and groups are pushed automatically. */
  auto: boolean;
  /** Names of groups that `auto` pushes from the start; a group that was pushed by hand is kept up to date, too. */
  pushGroups: string[];
  /** How often a failed push is retried automatically. */
  retries: number;
  /** Milliseconds before the first retry; doubled each time, and never less than Retry-After. */
  backOffMs: number;
  /** How long Okta waits for a response, in milliseconds. */
  timeLimitMs: number;
}

export const SCIM_DEFAULTS: Readonly<Omit<ScimSettings, 'baseUrl' | 'token'>> = {
  dialect: 'aiw',
  blanks: 'percent',
  mappings: 'full',
  createWithMembers: true,
  auto: false,
  pushGroups: [],
  retries: 0,
  backOffMs: 1000,
  timeLimitMs: 60_000,
};
