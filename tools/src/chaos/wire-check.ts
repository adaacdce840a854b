import type { Exchange, WireWatch } from './box-wire.ts';
import { EPOCH } from './clock.ts';
import type { Actor, Thread } from './scheduler.ts';
import type { World } from './world.ts';

interface Subject {
  readonly externalId: string | null;
  readonly boxUserId: string | null;
}

/** Holds each request to Box against the call log and the leases, at the moment it leaves the process. */
export class WireCheck {
  readonly violations: string[] = [];
  readonly overtaken = new Set<string>();
  readonly #world: World;
  readonly #actorOf: (pid: number) => Actor | undefined;
  readonly #used = new Set<string>();

  constructor(world: World, actorOf: (pid: number) => Actor | undefined) {
    this.#world = world;
    this.#actorOf = actorOf;
  }

  watch(late: WireWatch['late']): WireWatch {
    const { scheduler, clock } = this.#world;
    return {
      scheduler,
      now: () => EPOCH + clock.now,
      late,
      arrived: (thread, exchange) => this.#arrived(thread, exchange),
      forwarded: (thread, exchange) => this.#forwarded(thread, exchange),
    };
  }

  async #arrived(thread: Thread, exchange: Exchange): Promise<void> {
    const call = `${exchange.method} ${exchange.path.split('?')[0]}`;
    if (!(await this.#hasIntent(thread, exchange)))
      this.violations.push(`${thread.name} sent ${call} without an intent`);
    if (isWrite(exchange) && !(await this.#holdsLease(thread, exchange)))
      this.violations.push(`${thread.name} sent ${call} without the lease`);
  }

  /** From here on it is too late to hold it back: what a change overtakes is only noted. */
  async #forwarded(thread: Thread, exchange: Exchange): Promise<void> {
    if (exchange.method !== 'PUT' || (await this.#holdsLease(thread, exchange))) return;
    const [identity] = await this.#identity(subjectOf(exchange));
    if (identity) this.overtaken.add(identity.id);
  }

  /** An intent of its own, without an outcome, that no request before has had. */
  async #hasIntent(thread: Thread, exchange: Exchange): Promise<boolean> {
    const { house, tenantId } = this.#world;
    const rows = await house.admin.query<{ id: string; pid: number }>(
      `SELECT c.id::text, w.pid FROM api_call c JOIN chaos.written w ON w.call_id = c.id LEFT JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.tenant_id = $1 AND o.call_id IS NULL AND c.method = $2 AND c.path = $3
         AND ($4::text IS NULL OR c.parameters ->> 'externalId' = $4) ORDER BY c.id DESC`,
      [tenantId, exchange.method, exchange.path.split('?')[0], subjectOf(exchange).externalId],
    );
    const fresh = rows.find(({ id, pid }) => this.#actorOf(pid) === thread.actor && !this.#used.has(id));
    if (fresh) this.#used.add(fresh.id);
    return fresh !== undefined;
  }

  async #holdsLease(thread: Thread, exchange: Exchange): Promise<boolean> {
    const live = (await this.#identity(subjectOf(exchange))).filter((identity) => identity.live);
    const holders = await this.#world.house.admin.query<{ pid: number }>(
      `SELECT DISTINCT ON (identity_id) pid FROM chaos.written
       WHERE identity_id = ANY($1) AND what = 'lease' AND token > was_token ORDER BY identity_id, id DESC`,
      [live.map(({ id }) => id)],
    );
    return holders.some(({ pid }) => this.#actorOf(pid) === thread.actor);
  }

  #identity({ externalId, boxUserId }: Subject): Promise<{ id: string; live: boolean }[]> {
    const { house, tenantId } = this.#world;
    return house.admin.query(
      `SELECT i.id, coalesce(i.lease_expires_at > chaos.clock_timestamp(), false) AS live
       FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
       WHERE i.tenant_id = $1 AND (i.subject = $2 OR a.box_user_id = $3)`,
      [tenantId, externalId, boxUserId],
    );
  }
}

const isWrite = ({ method, path }: Exchange): boolean =>
  path.startsWith('/2.0/users') && (method === 'POST' || method === 'PUT');

/** Whom a request is about. */
function subjectOf({ method, path, body }: Exchange): Subject {
  const [place = '', query = ''] = path.split('?');
  const asked = new URLSearchParams(query).get('external_app_user_id');
  const boxUserId = /^\/2\.0\/users\/(\d+)$/.exec(place)?.[1] ?? null;
  if (method !== 'POST' || place !== '/2.0/users') return { externalId: asked, boxUserId };
  const sent: unknown = JSON.parse(body);
  const externalId =
    typeof sent === 'object' && sent !== null && 'external_app_user_id' in sent
      ? String(sent.external_app_user_id)
      : null;
  return { externalId, boxUserId };
}
