import { ApiCall, page, ProvisioningRequest } from '@foyer/shared';
import { makeScimToken } from '../operator.ts';
import type { ScimTask } from '../demonstration/okta-provisioning.ts';
import type { Stack } from '../stack/stack.ts';
import { Outside } from './outside.harness.ts';
import { until } from '@foyer/testing';

const TOKEN_NAME = 'okta-e2e';

/** Okta's app, Foyer and Box, and an observer of all three. */
export class ScimLoop {
  readonly outside: Outside;
  private apiToken: Promise<string> | undefined;

  private constructor(
    readonly stack: Stack,
    readonly token: string,
  ) {
    this.outside = new Outside(stack);
  }

  /** Uses a token that was created by the operator's command. */
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

  /** A call without the twin, as any SCIM client makes it. */
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

  /** The REST API's response at one of its addresses. */
  async api(address: string): Promise<unknown> {
    this.apiToken ??= this.stack.okta.serviceToken('foyer.read foyer.audit');
    const response = await fetch(new URL(address, this.stack.urls.gateway), {
      headers: { authorization: `Bearer ${await this.apiToken}` },
    });
    if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** The request at the address in the header `foyer-request`, once it is final. */
  ended(address: string): Promise<ProvisioningRequest> {
    return until(`${address} is final`, async () => {
      const found = ProvisioningRequest.parse(await this.api(address));
      return found.finishedAt === null ? null : found;
    });
  }

  /** Waits for the results of a successful push. Returns its requests, all of which succeeded. */
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

  /** The audit log's lines of a request, oldest first. */
  async story(requestId: string): Promise<ApiCall[]> {
    const { items } = page(ApiCall).parse(await this.api(`/v1/api-calls?requestId=${requestId}`));
    return items.reverse();
  }

  /**
   * Lists a person's files in Box on their behalf, which only our Box app can do. Returns the HTTP status and the
   * names.
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

  /** The Box user ids of the members of the group with exactly this name; null when there is no such group. */
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
