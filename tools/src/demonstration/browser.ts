import { setTimeout as pause } from 'node:timers/promises';
import { CookieJar } from 'tough-cookie';
import { type Answer, request } from '../http.ts';
import { alertIn, boxUserIdIn, type Form, formsIn, headingIn, refreshIn } from './page.ts';

/** One request of a browser and its response. */
export interface Hop {
  method: string;
  url: string;
  status: number;
  /** By the clock, in milliseconds since 1970. */
  startedAt: number;
  ms: number;
}

export interface Page {
  url: string;
  status: number;
  html: string;
  headers: Headers;
}

export interface SignIn extends Page {
  /** The heading of the final page: `New user created: NAME`, `Hello NAME`, or what went wrong. */
  message: string;
  /** The page's warning, if it has one. */
  alert?: string;
  boxUserId?: string;
  /** From the first request to the final page. */
  ms: number;
  /** How often the progress page was shown before that. */
  refreshes: number;
  hops: Hop[];
  browser: Browser;
}

export interface Credentials {
  username: string;
  password: string;
}

const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A person's browser without a real one: cookies, redirects, forms and refreshes, no JavaScript. */
export class Browser {
  readonly jar = new CookieJar();
  readonly hops: Hop[] = [];

  get(url: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#follow('GET', url, undefined, headers);
  }

  /** Submits a form's fields, and follows the result. */
  post(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.#follow('POST', url, new URLSearchParams(fields), headers);
  }

  /** Fills in and submits the form on `page`, with its hidden fields. */
  submit(page: Page, form: Form, fields: Record<string, string>): Promise<Page> {
    const target = new URL(form.action, page.url).href;
    return form.method === 'POST'
      ? this.post(target, { ...form.hidden, ...fields }, { origin: new URL(page.url).origin })
      : this.get(`${target}?${new URLSearchParams({ ...form.hidden, ...fields }).toString()}`);
  }

  /** One request with this browser's cookies; redirects are not followed. */
  async send(
    method: string,
    url: string,
    body?: URLSearchParams,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const [startedAt, started] = [Date.now(), performance.now()];
    const cookie = await this.jar.getCookieString(url);
    const answer = await request(url, {
      method,
      headers: {
        accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(cookie === '' ? {} : { cookie }),
        ...headers,
      },
      body: body?.toString(),
    });
    for (const given of answer.headers.getSetCookie())
      await this.jar.setCookie(given, url, { ignoreError: true });
    this.hops.push({ method, url, status: answer.status, startedAt, ms: performance.now() - started });
    return answer;
  }

  async #follow(
    method: string,
    url: string,
    body: URLSearchParams | undefined,
    headers: Record<string, string>,
  ): Promise<Page> {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await this.send(method, url, body, headers);
      const location = answer.headers.get('location');
      if (!REDIRECTS.has(answer.status) || location === null) {
        return { url, status: answer.status, html: answer.body, headers: answer.headers };
      }
      url = new URL(location, url).href;
      if (answer.status !== 307 && answer.status !== 308) {
        method = 'GET';
        body = undefined;
      }
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${url}`);
  }
}

/**
 * Signs a person in at the gateway: /login, Okta's form, the callback, and the progress page until the final one. A
 * refusal is a page too: look at `status`, `message` and `alert`.
 * @param options.browser one that signed in before, with its cookies; a new one by default
 * @param options.withinMs how long the progress page is followed
 */
export async function signIn(
  gatewayUrl: string,
  credentials: Credentials,
  options: { browser?: Browser; withinMs?: number; path?: string } = {},
): Promise<SignIn> {
  const { browser = new Browser(), withinMs = 60_000, path = '/login' } = options;
  const first = browser.hops.length;
  const started = performance.now();
  let page = await browser.get(new URL(path, gatewayUrl).href);
  const form = formsIn(page.html).find(
    ({ names }) => names.includes('username') && names.includes('password'),
  );
  if (form) page = await browser.submit(page, form, { ...credentials });
  let refreshes = 0;
  for (let refresh = refreshIn(page.html); refresh; refresh = refreshIn(page.html)) {
    if (performance.now() - started + refresh.seconds * 1000 > withinMs) {
      throw new Error(
        `still no final page after ${withinMs / 1000} s: ${headingIn(page.html)} (${page.url})`,
      );
    }
    await pause(refresh.seconds * 1000);
    page = await browser.get(new URL(refresh.url, page.url).href);
    refreshes++;
  }
  return {
    ...page,
    message: headingIn(page.html),
    alert: alertIn(page.html),
    boxUserId: boxUserIdIn(page.html),
    ms: performance.now() - started,
    refreshes,
    hops: browser.hops.slice(first),
    browser,
  };
}
