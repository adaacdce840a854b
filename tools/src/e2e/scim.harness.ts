import { ApiCall, page, ProvisioningRequest } from '@foyer/shared';
import { makeScimToken } from '../operator.ts';
import type { ScimTask } from '../okta-provisioning.ts';
import type { Stack } from '../stack.ts';
import { Outside } from './outside.harness.ts';
import { until } from './until.harness.ts';

const TOKEN_NAME = 'okta-e2e';

/** Okta's app, Foyer and Box, and somebody who looks at all three. */
export class ScimLoop {
  readonly outside: Outside;
  private apiToken: Promise<string> | undefined;

  private constructor(
    readonly stack: Stack,
    readonly token: string,
  ) {
    this.outside = new Outside(stack);
  }

  /** With a token that was made as operators make them. */
  static async start(stack: Stack): Promise<ScimLoop> {
    return new ScimLoop(stack, await makeScimToken(stack.databaseUrl, TOKEN_NAME));
  }

  get base(): string {
    return `${this.stack.urls.gateway}/scim/v2`;
  }

  readonly actor = `scim-token:${TOKEN_NAME}`;

  configure(dialect: 'aiw' | 'oin') {
    return this.stack.okta.scim.configure({ baseUrl: this.base, token: this.token, dialect });
  }

  /** A call past the twin, as any SCIM client makes it. */
  send(method: string, path: string, body?: object): Promise<Response> {
    return fetch(this.base + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body && { 'content-type': 'application/scim+json' }),
      },
      body: body && JSON.stringify(body),
    });
  }

  /** What the REST API answers to an address of its own. */
  async api(address: string): Promise<unknown> {
    this.apiToken ??= this.stack.okta.serviceToken('foyer.read foyer.audit');
    const response = await fetch(new URL(address, this.stack.urls.gateway), {
      headers: { authorization: `Bearer ${await this.apiToken}` },
    });
    if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** The request at the address that the header `foyer-request` named, once it is over. */
  ended(address: string): Promise<ProvisioningRequest> {
    return until(`${address} is final`, async () => {
      const found = ProvisioningRequest.parse(await this.api(address));
      return found.finishedAt === null ? null : found;
    });
  }

  /** What a push that went well led to: its requests, each succeeded, and all that came of them over. */
  async settled(pushing: Promise<ScimTask>): Promise<ProvisioningRequest[]> {
    const task = await pushing;
    expect(task).toMatchObject({ status: 'done', error: null });
    const addresses = task.exchanges
      .filter(({ method }) => method !== 'GET')
      .flatMap(({ answerHeaders }) => answerHeaders['foyer-request'] ?? []);
    const requests = [];
    for (const address of new Set(addresses)) requests.push(await this.ended(address));
    expect(requests.filter(({ status }) => status !== 'succeeded')).toEqual([]);
    await this.outside.allFinal();
    return requests;
  }

  /** What the audit log has of a request, oldest first. */
  async story(requestId: string): Promise<ApiCall[]> {
    const { items } = page(ApiCall).parse(await this.api(`/v1/api-calls?requestId=${requestId}`));
    return items.reverse();
  }

  /**
   * Asks Box itself for somebody's files on their behalf, as nobody but our Box app can. Gives the HTTP status and the names.
   */
  async filesAs(boxUserId: string): Promise<{ status: number; names: string[] }> {
    const { box } = this.stack.urls;
    const token = await fetch(`${box}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'twin-box-client',
        client_secret: 'twin-box-secret',
        box_subject_type: 'enterprise',
        box_subject_id: '900100',
      }),
    });
    const { access_token: bearer } = (await token.json()) as { access_token: string };
    const files = await fetch(`${box}/2.0/folders/0/items`, {
      headers: { authorization: `Bearer ${bearer}`, 'as-user': boxUserId },
    });
    const body = files.ok ? ((await files.json()) as { entries: { name: string }[] }) : { entries: [] };
    return { status: files.status, names: body.entries.map(({ name }) => name) };
  }

  /** The app user in Box with this external id. */
  async boxUser(oktaId: string) {
    const users = (await this.stack.box.state()).users.filter(({ externalId }) => externalId === oktaId);
    if (users.length !== 1) throw new Error(`${oktaId} has ${users.length} Box users`);
    return users[0]!;
  }

  /** The Box user ids of the members of the group of that very name; null: there is no such group. */
  async boxMembers(name: string): Promise<string[] | null> {
    const { groups, memberships } = await this.stack.box.state();
    const group = groups.find((one) => one.name === name);
    if (!group) return null;
    return memberships
      .filter(({ groupId }) => groupId === group.id)
      .map(({ userId }) => userId)
      .sort();
  }
}
