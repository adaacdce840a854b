import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { ProvisioningRequest } from '@foyer/shared';
import { signIn } from '../demonstration/browser.ts';
import type { Stack } from '../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../stack/twins.ts';
import { until } from '@foyer/testing';

const WELCOME = /^(New user created:|Hello) /;

/** The callers: systems and people who retry when Foyer does not answer, as real ones do. */
export class Outside {
  /** Responses that are wrong even when processes are killed: neither a success, nor cut off, nor 503. */
  readonly astonishing: string[] = [];
  readonly #stack: Stack;
  #token: Promise<string> | undefined;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** Pushes a person over the API, again with the same key until it is accepted. Returns the request's id. */
  async push(subject: string, name = `Person ${subject}`): Promise<string> {
    const token = await (this.#token ??= this.#stack.okta.serviceToken('foyer.write'));
    const key = randomUUID();
    return until(`the push of ${subject} is taken`, async () => {
      const answer = await fetch(`${this.#stack.urls.gateway}/v1/provisioning-requests`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ subject, username: `${subject}@example.com`, name }),
        signal: AbortSignal.timeout(10_000),
      })
        .then(async (response) => ({ status: response.status, text: await response.text() }))
        .catch(() => null);
      if (answer === null) return null;
      if (answer.status === 200 || answer.status === 202)
        return ProvisioningRequest.parse(JSON.parse(answer.text)).id;
      if (answer.status !== 503) this.astonishing.push(`${answer.status} ${answer.text}`);
      return null;
    });
  }

  /** A new person in Okta. */
  async newPerson(name: string): Promise<{ id: string; name: string; username: string }> {
    const username = `kim-${randomUUID().slice(0, 8)}@example.com`;
    const { id } = await this.#stack.okta.addPerson({
      login: username,
      email: username,
      name,
      status: 'ACTIVE',
      assigned: true,
    });
    return { id, name, username };
  }

  /** Signs in, again in a fresh browser until the final page appears. Returns the Box user that the page names. */
  async signIn(person: { name: string; username: string }): Promise<string> {
    return until(`${person.name} is welcomed`, async () => {
      const page = await signIn(this.#stack.urls.gateway, {
        username: person.username,
        password: SAMPLE_PASSWORD,
      }).catch(() => null);
      if (page === null) return null;
      if (WELCOME.test(page.message) && page.boxUserId) return page.boxUserId;
      if (page.status >= 500 && page.status !== 503)
        this.astonishing.push(`${page.status} ${page.message} ${page.alert ?? ''}`);
      return null;
    });
  }

  async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client(this.#stack.databaseUrl);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<T>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Writes to the database what a push leaves there, so that only the relay finds it. */
  async pushPastTheApi(subject: string, name: string): Promise<void> {
    await this.query(
      `WITH own AS (
         SELECT id AS tenant_id, coalesce((SELECT issuer FROM identity WHERE subject = $1), 'https://example.okta.com') AS issuer
         FROM tenant
       ), someone AS (
         INSERT INTO identity AS i (tenant_id, issuer, subject, username, name)
         SELECT tenant_id, issuer, $1, $1 || '@example.com', $2 FROM own
         ON CONFLICT (tenant_id, issuer, subject) DO UPDATE SET name = excluded.name, generation = i.generation + 1
         RETURNING *)
       INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
       SELECT tenant_id, id, generation, 'api', 100, clock_timestamp() FROM someone`,
      [subject, name],
    );
  }

  /**
   * Blocks inserts into the call log until released: a worker then hangs while it writes its intent, inside the
   * database.
   */
  async blockIntents(): Promise<{ waiting(): Promise<number>; release(): Promise<void> }> {
    const blocker = new pg.Client(this.#stack.databaseUrl);
    blocker.on('error', () => undefined);
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE api_call IN SHARE MODE');
    return {
      waiting: async () => {
        const { rows } = await blocker.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'api_call'::regclass`,
        );
        return rows[0]!.n;
      },
      release: async () => {
        await blocker.query('COMMIT');
        await blocker.end();
      },
    };
  }

  /** Waits until no request is open. */
  async allFinal(): Promise<void> {
    await until('every request is final', async () => {
      const [row] = await this.query<{ open: number }>(
        'SELECT count(*)::int AS open FROM provisioning_request WHERE finished_at IS NULL',
      );
      return row!.open === 0 ? true : null;
    });
  }
}
