/**
 * How an app was made in Okta, which decides how it is told of changes. `aiw`: by the App Integration Wizard, every
 * write of users and groups is a PUT. `oin`: from the catalogue, activation, deactivation and groups are PATCHes.
 */
export const DIALECTS = ['aiw', 'oin'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** What an administrator enters on the app's Provisioning tab, and what only a twin can be told. */
export interface ScimSettings {
  /** Base URL of the SCIM server, without a trailing slash. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  token: string;
  dialect: Dialect;
  /** How blanks of a filter are written in the address: Okta was seen with both. */
  blanks: 'percent' | 'plus';
  /** `full`: every attribute mapped, as documented; `short`: user name, name and e-mail without a type, as captured. */
  mappings: 'full' | 'short';
  /** Whether a group is created with its members, or empty and then filled. */
  createWithMembers: boolean;
  /** Whether changes of people and groups are pushed by themselves. */
  auto: boolean;
  /** Names of groups that `auto` pushes from the start; one that was pushed by hand is kept in step, too. */
  pushGroups: string[];
  /** How often a failed push is sent again by itself. */
  retries: number;
  /** Milliseconds before the first of them; doubled each time, and never less than Retry-After says. */
  backOffMs: number;
  /** How long Okta waits for an answer, milliseconds. */
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
