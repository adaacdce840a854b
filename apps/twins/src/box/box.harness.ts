import { sampleConfig, type BoxTwinConfig } from './config.ts';
import { startBoxTwin } from './http/server.ts';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; an empty object when there is none. */
  body: Record<string, unknown>;
}

interface CallOptions {
  token?: string;
  asUser?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A twin on a free port, with the calls that most tests make. */
export class TwinUnderTest {
  readonly url: string;
  readonly close: () => Promise<void>;

  constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async start(config: Partial<BoxTwinConfig> = {}): Promise<TwinUnderTest> {
    const twin = await startBoxTwin({ ...sampleConfig, port: 0, ...config });
    return new TwinUnderTest(twin.url, () => twin.close());
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { token, asUser, body, headers } = options;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(asUser !== undefined && { 'as-user': asUser }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return readReply(response);
  }

  async form(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(fields),
    });
    return readReply(response);
  }

  /** A client-credentials token: of the enterprise, or of a user. */
  async token(
    userId?: string,
    app: { clientId: string; clientSecret: string } = sampleConfig,
  ): Promise<string> {
    const reply = await this.form('/oauth2/token', ccgForm(userId, app));
    return text(reply.body.access_token);
  }

  async control(method: string, path: string, body?: unknown): Promise<Reply> {
    return this.call(method, `/_control/${path}`, { body });
  }

  /** Creates an app user and returns its id. */
  async appUser(token: string, name: string, externalId?: string): Promise<string> {
    const body = { name, is_platform_access_only: true, external_app_user_id: externalId };
    return text((await this.call('POST', '/2.0/users', { token, body })).body.id);
  }

  async calls(): Promise<Record<string, unknown>[]> {
    return rows((await this.control('GET', 'calls')).body.calls);
  }

  async state(): Promise<Record<string, unknown>> {
    return (await this.control('GET', 'state')).body;
  }
}

export function ccgForm(
  userId?: string,
  app: { clientId: string; clientSecret: string } = sampleConfig,
): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    client_id: app.clientId,
    client_secret: app.clientSecret,
    box_subject_type: userId === undefined ? 'enterprise' : 'user',
    box_subject_id: userId ?? sampleConfig.enterpriseId,
  };
}

async function readReply(response: Response): Promise<Reply> {
  const body = await response.text();
  return { status: response.status, headers: response.headers, text: body, body: parseObject(body) };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    return object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** The value as an object; fails the test for any other value. */
export function object(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return { ...value };
}

export function rows(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw new Error(`not an array: ${JSON.stringify(value)}`);
  return value.map(object);
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`not a string: ${JSON.stringify(value)}`);
  return value;
}

/** Matches any text in an expected body. */
export const anyText: unknown = expect.any(String);

/** The first conflict of a 409. */
export function conflictId(reply: Reply): string {
  return text(rows(object(reply.body.context_info).conflicts)[0]?.id);
}
