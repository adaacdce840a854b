import { ScimHouse, type ScimAnswer } from './access/scim-authenticator.harness.ts';

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** What tests read of a resource, a list or an error. */
export interface ScimBody {
  readonly id: string;
  readonly Resources: readonly ScimBody[];
  readonly totalResults: number;
  readonly nextCursor?: string;
  readonly scimType?: string;
  readonly [attribute: string]: unknown;
}

export interface ScimReply extends Omit<ScimAnswer, 'body'> {
  readonly body: ScimBody;
}

/** A SCIM client with a token of its own. */
export class ScimTestClient {
  private constructor(
    readonly house: ScimHouse,
    private readonly token: string,
    readonly base: string,
  ) {}

  static async start(base = '/scim/v2'): Promise<ScimTestClient> {
    const house = await ScimHouse.start();
    return new ScimTestClient(house, await house.token('okta'), base);
  }

  /** The gateway's own address, as clients see it. */
  get origin(): string {
    return this.house.api.context.config.FOYER_BASE_URL;
  }

  stop(): Promise<void> {
    return this.house.stop();
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ScimReply> {
    const answer = await this.house.ask(this.base + path, {
      method,
      authorization: `Bearer ${this.token}`,
      headers: {
        accept: 'application/scim+json',
        ...(body !== undefined && { 'content-type': 'application/scim+json; charset=utf-8' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { ...answer, body: answer.body as unknown as ScimBody };
  }

  get = (path: string, headers?: Record<string, string>) => this.send('GET', path, undefined, headers);
  post = (path: string, body: unknown) => this.send('POST', path, body);
  put = (path: string, body: unknown) => this.send('PUT', path, body);
  delete = (path: string) => this.send('DELETE', path);
  patch = (path: string, ...Operations: readonly object[]) =>
    this.send('PATCH', path, { schemas: [PATCH_OP], Operations });

  filter = (endpoint: '/Users' | '/Groups', filter: string) =>
    this.get(`${endpoint}?filter=${encodeURIComponent(filter)}`);

  /** Pushes a person as Okta does. */
  hire = (name: string, more: object = {}) =>
    this.post('/Users', {
      schemas: [USER],
      userName: `${name}@example.com`,
      name: { givenName: name, familyName: 'Example' },
      emails: [{ primary: true, value: `${name}@example.com`, type: 'work' }],
      displayName: `${name} Example`,
      locale: 'en-US',
      externalId: `00u${name}`,
      groups: [],
      password: 'never kept',
      active: true,
      ...more,
    });

  group = (displayName: string, members: readonly string[] = []) =>
    this.post('/Groups', {
      schemas: [GROUP],
      displayName,
      members: members.map((value) => ({ value, display: value })),
    });
}
