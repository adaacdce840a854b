/** What an administrator of the org could set; changed at run time over the control address. */
export interface Settings {
  /** Thin ID tokens have only e-mail, name and user name; fat ones have every claim of the granted scopes. */
  thinIdToken: boolean;
  /** Lifetime of an authorization code, in seconds. Okta: 300. */
  codeTtl: number;
  /** Whether the app requires a PKCE challenge. */
  pkceRequired: boolean;
  /** `max-age` of the published keys, in seconds. */
  keysMaxAge: number;
}

/** Okta's own values; `keysMaxAge` is the example in its documentation. */
export const DEFAULT_SETTINGS: Readonly<Settings> = {
  thinIdToken: false,
  codeTtl: 300,
  pkceRequired: true,
  keysMaxAge: 3_832_304,
};

/** Lifetimes fixed by Okta, in seconds. */
export const TTL = {
  token: 3600,
  refreshToken: 90 * 86_400,
  session: 7200,
  interaction: 3600,
  par: 3600,
} as const;

/** Grant types of the web app and of the machine, as Okta would list them. */
export const WEB_GRANTS = ['authorization_code', 'refresh_token'];
export const SERVICE_GRANTS = ['client_credentials'];
