import { Cookie, CookieJar } from 'tough-cookie';

export interface Page {
  /** The page where the browser stopped. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Every address on the way, including the last. */
  readonly trail: readonly string[];
}

export interface Visit {
  readonly method?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Follows redirects while this returns true. */
  readonly follow?: (location: string) => boolean;
}

/** The password of every sample person of the Okta twin. */
const PASSWORD = 'Foyer-sample-1';

/** A browser as a server sees it: cookies, redirects, forms. */
export class Browser {
  readonly jar = new CookieJar(undefined, { allowSpecialUseDomain: true, rejectPublicSuffixes: false });
  private readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  /** Opens an address (a path means the gateway's) and follows redirects. */
  async open(address: string, { method, form, headers, follow = () => true }: Visit = {}): Promise<Page> {
    let url = new URL(address, this.home).href;
    let body = form === undefined ? undefined : new URLSearchParams(form);
    let verb = method ?? (body === undefined ? 'GET' : 'POST');
    const trail: string[] = [];
    for (let hops = 0; hops < 20; hops++) {
      trail.push(url);
      const response = await fetch(url, {
        method: verb,
        body,
        redirect: 'manual',
        headers: { accept: 'text/html', cookie: await this.jar.getCookieString(url), ...headers },
      });
      for (const cookie of response.headers.getSetCookie())
        await this.jar.setCookie(cookie, url, { ignoreError: true });
      const text = await response.text();
      const location = response.headers.get('location');
      const next = location === null ? null : new URL(location, url).href;
      if (next === null || !follow(next))
        return { url, status: response.status, headers: response.headers, text, trail };
      // RFC 9110, section 15.4: what browsers do after a POST.
      if (response.status !== 307 && response.status !== 308) [verb, body] = ['GET', undefined];
      url = next;
    }
    throw new Error(`Too many redirects: ${trail.join(' ')}`);
  }

  /** Signs in at Okta's form, from the gateway's /login to the page after the callback. */
  async signIn(
    username: string,
    {
      path = '/login',
      password = PASSWORD,
      follow,
    }: { path?: string; password?: string } & Pick<Visit, 'follow'> = {},
  ): Promise<Page> {
    const form = await this.open(path);
    if (!form.text.includes('name="password"')) return form;
    return this.open(form.url, { form: { username, password }, ...(follow === undefined ? {} : { follow }) });
  }

  /** Signs in at Okta and returns the callback's address instead of opening it. */
  async callbackFor(username: string, path = '/login'): Promise<string> {
    let callback: string | undefined;
    const follow = (location: string) => {
      if (!new URL(location).pathname.startsWith('/authorization-code/')) return true;
      callback = location;
      return false;
    };
    const page = await this.open(path, { follow });
    if (callback === undefined) await this.open(page.url, { form: { username, password: PASSWORD }, follow });
    if (callback === undefined) throw new Error(`Okta did not redirect back: ${page.url}`);
    return callback;
  }

  /** Submits the form of a page that posts to `action`. */
  async submit(page: Page, action: string, visit: Visit = {}): Promise<Page> {
    const [, form] =
      new RegExp(`<form[^>]*action="${action}"[^>]*>([\\s\\S]*?)</form>`).exec(page.text) ?? [];
    if (form === undefined) throw new Error(`There is no form to ${action} on ${page.url}`);
    const fields = [...form.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    );
    return this.open(action, { ...visit, form: Object.fromEntries(fields) as Record<string, string> });
  }

  /** The gateway's cookies whose names start with this text. */
  async cookies(prefix: string): Promise<Cookie[]> {
    return (await this.jar.getCookies(this.home)).filter(({ key }) => key.startsWith(prefix));
  }
}

/** The text of a page's first h1. */
export const headingOf = ({ text }: Page): string =>
  (/<h1>([\s\S]*?)<\/h1>/.exec(text)?.[1] ?? '')
    .replace(
      /&(amp|lt|gt|quot|#39);/g,
      (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name] ?? '',
    )
    .replace(/\s+/g, ' ')
    .trim();

export const boxUserIdOf = ({ text }: Page): string | undefined =>
  /data-box-user-id="([^"]*)"/.exec(text)?.[1];
