import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import { type OktaTwinConfig } from './config.ts';
import { SAMPLE_PASSWORD } from './org/people.ts';
import { startOktaTwin, type OktaTwin } from './server.ts';

export const REDIRECT_URI = 'http://localhost:3000/authorization-code/callback';
export const AFTER_LOGOUT = 'http://localhost:3000/';
/** A secret that must be form-encoded for basic authentication. */
export const SECRET = 'a+b/c%d&e=f:g h~';

export const CONFIG: OktaTwinConfig = {
  host: '127.0.0.1',
  port: 0,
  webClient: {
    id: 'web-client',
    secret: SECRET,
    redirectUris: [REDIRECT_URI],
    postLogoutRedirectUris: [AFTER_LOGOUT],
  },
  serviceClient: { id: 'service-client', secret: 'service-secret' },
  apiAudience: 'api://foyer',
};

export function start(config: Partial<OktaTwinConfig> = {}): Promise<OktaTwin> {
  return startOktaTwin({ ...CONFIG, ...config });
}

/** A browser without JavaScript: cookies by path; it follows redirects only when asked. */
export class Browser {
  readonly #cookies = new Map<string, { name: string; value: string; path: string }>();

  async request(url: string, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(url);
    const headers = new Headers(init.headers);
    const cookies = [...this.#cookies.values()].filter(
      ({ path }) => pathname === path || pathname.startsWith(path),
    );
    if (cookies.length > 0)
      headers.set('cookie', cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const header of response.headers.getSetCookie()) this.#keep(header);
    return response;
  }

  post(url: string, fields: Record<string, string>): Promise<Response> {
    return this.request(url, { method: 'POST', body: new URLSearchParams(fields) });
  }

  #keep(header: string): void {
    const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    const value = pair.slice(at + 1);
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
    if (value === '') this.#cookies.delete(`${path} ${name}`);
    else this.#cookies.set(`${path} ${name}`, { name, value, path });
  }
}

export const VERIFIER = randomBytes(32).toString('base64url');
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

/** An authorization request; a field set to undefined is left out. */
export function authorizeUrl(twin: OktaTwin, fields: Record<string, string | undefined> = {}): string {
  const all: Record<string, string | undefined> = {
    client_id: CONFIG.webClient.id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile email groups',
    state: 'some-state',
    nonce: 'some-nonce',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...fields,
  };
  const url = new URL(`${twin.url}/oauth2/v1/authorize`);
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** The target of a redirect. */
export function locationOf(response: Response, base: string): URL {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect: ${String(response.status)}`);
  return new URL(location, base);
}

/** Continues from an authorization request to the callback, through the form when it is shown. */
export async function signIn(
  twin: OktaTwin,
  browser: Browser,
  login: string,
  fields: Record<string, string | undefined> = {},
): Promise<URL> {
  let response = await browser.request(authorizeUrl(twin, fields));
  let target = locationOf(response, twin.url);
  if (!target.pathname.startsWith('/signin/')) return target;
  const form = await browser.request(target.href);
  if (form.status !== 200) throw new Error(`no form: ${String(form.status)}`);
  response = await browser.post(target.href, { username: login, password: SAMPLE_PASSWORD });
  target = locationOf(response, twin.url);
  return locationOf(await browser.request(target.href), twin.url);
}

export function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

export interface Json {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export async function json(response: Response): Promise<Json> {
  const text = await response.text();
  const body: unknown = text === '' ? {} : JSON.parse(text);
  if (!isRecord(body)) throw new Error('not an object');
  return { status: response.status, headers: response.headers, body };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Redeems a code (or whatever the fields contain) at the org server's token endpoint. */
export async function redeem(
  twin: OktaTwin,
  fields: Record<string, string>,
  authorization: string | null = basic(CONFIG.webClient.id, SECRET),
): Promise<Json> {
  return json(
    await fetch(`${twin.url}/oauth2/v1/token`, {
      method: 'POST',
      headers: authorization === null ? {} : { authorization },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        redirect_uri: REDIRECT_URI,
        code_verifier: VERIFIER,
        ...fields,
      }),
    }),
  );
}

export interface SignedIn {
  idToken: string;
  accessToken: string;
  body: Record<string, unknown>;
}

export function tokensIn({ body }: Json): SignedIn {
  const { id_token: idToken, access_token: accessToken } = body;
  if (typeof idToken !== 'string' || typeof accessToken !== 'string') {
    throw new Error(`no tokens: ${JSON.stringify(body)}`);
  }
  return { idToken, accessToken, body };
}

/** A complete sign-in, up to the tokens. */
export async function tokensOf(
  twin: OktaTwin,
  login: string,
  {
    browser = new Browser(),
    ...fields
  }: { browser?: Browser; [field: string]: string | undefined | Browser } = {},
): Promise<SignedIn> {
  const sent: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(fields)) if (!(value instanceof Browser)) sent[name] = value;
  const callback = await signIn(twin, browser, login, sent);
  return tokensIn(await redeem(twin, { code: callback.searchParams.get('code') ?? '' }));
}

/** Verifies an ID token as a careful client would, with jose alone. */
export async function verify(twin: OktaTwin, token: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${twin.url}/oauth2/v1/keys`));
  const { payload } = await jwtVerify(token, keys, {
    issuer: twin.issuer,
    audience: CONFIG.webClient.id,
    algorithms: ['RS256'],
    requiredClaims: ['sub', 'iat', 'exp'],
    clockTolerance: 60,
  });
  return payload;
}

export function atHashOf(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}

/** Calls the control address; a body makes it a POST unless `method` says otherwise. */
export async function control(twin: OktaTwin, path: string, body?: unknown, method?: string): Promise<Json> {
  return json(
    await fetch(`${twin.url}/_control${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    }),
  );
}

/** The id of one of the seeded people. */
export async function idOf(twin: OktaTwin, login: string): Promise<string> {
  const { body } = await control(twin, '/people');
  const people: unknown[] = Array.isArray(body['people']) ? body['people'] : [];
  const found = people.filter(isRecord).find((person) => person['login'] === login);
  return String(found?.['id']);
}

export const aString: unknown = expect.any(String);
export const aNumber: unknown = expect.any(Number);

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

/** Runs a function with the clock set forward by some seconds. */
export async function later<T>(seconds: number, act: () => Promise<T>): Promise<T> {
  const now = Date.now;
  Date.now = () => now() + seconds * 1000;
  try {
    return await act();
  } finally {
    Date.now = now;
  }
}
