/** An OAuth client of the twin's org. */
export interface TwinClient {
  id: string;
  secret: string;
}

/** The settings with which the Okta twin starts. */
export interface OktaTwinConfig {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** The public address of the org, without a trailing slash; when absent, http://HOST:PORT. */
  issuer?: string;
  /** The web app at which people sign in. */
  webClient: TwinClient & { redirectUris: string[]; postLogoutRedirectUris: string[] };
  /** The machine that requests API tokens from the custom server. */
  serviceClient: TwinClient;
  /** `aud` of the custom server's access tokens. */
  apiAudience: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An invalid setting that prevents the start; the message names the variable and shows an example. */
export class ConfigError extends Error {
  constructor(variable: string, problem: string, example: string) {
    super(`${variable} ${problem}, for example ${variable}=${example}`);
    this.name = 'ConfigError';
  }
}

function text(env: Environment, variable: string, fallback: string): string {
  const value = env[variable]?.trim();
  return value === undefined || value === '' ? fallback : value;
}

function port(env: Environment): number {
  const variable = 'OKTA_TWIN_PORT';
  const value = text(env, variable, '4400');
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
    throw new ConfigError(variable, `must be a port number from 0 to 65535, not "${value}"`, '4400');
  }
  return Number(value);
}

function isWebUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

function issuer(env: Environment): string | undefined {
  const variable = 'OKTA_TWIN_ISSUER';
  const value = text(env, variable, '');
  if (value === '') return undefined;
  if (!isWebUrl(value) || new URL(value).origin !== value.replace(/\/$/, '')) {
    throw new ConfigError(
      variable,
      `must be an http(s) origin without a path, not "${value}"`,
      'http://okta.localhost:4400',
    );
  }
  return value;
}

function urls(env: Environment, variable: string, fallback: string): string[] {
  const values = text(env, variable, fallback)
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
  const wrong = values.find((value) => !isWebUrl(value));
  if (wrong !== undefined)
    throw new ConfigError(variable, `must be a comma list of http(s) URLs, not "${wrong}"`, fallback);
  return values;
}

/**
 * Reads the twin's settings (OKTA_TWIN_*), each with a default for a single machine.
 * @throws ConfigError when a value is invalid
 */
export function readOktaTwinConfig(env: Environment = process.env): OktaTwinConfig {
  return {
    host: text(env, 'OKTA_TWIN_HOST', '127.0.0.1'),
    port: port(env),
    issuer: issuer(env),
    webClient: {
      id: text(env, 'OKTA_TWIN_CLIENT_ID', 'twin-okta-client'),
      secret: text(env, 'OKTA_TWIN_CLIENT_SECRET', 'twin-okta-secret'),
      redirectUris: urls(env, 'OKTA_TWIN_REDIRECT_URIS', 'http://localhost:3000/authorization-code/callback'),
      postLogoutRedirectUris: urls(env, 'OKTA_TWIN_POST_LOGOUT_REDIRECT_URIS', 'http://localhost:3000/'),
    },
    serviceClient: {
      id: text(env, 'OKTA_TWIN_SERVICE_CLIENT_ID', 'twin-service-client'),
      secret: text(env, 'OKTA_TWIN_SERVICE_CLIENT_SECRET', 'twin-service-secret'),
    },
    apiAudience: text(env, 'OKTA_TWIN_API_AUDIENCE', 'api://foyer'),
  };
}
