import type { WireWatch } from '../boundaries/box-wire.ts';
import type { Exchange } from '../boundaries/exchange.ts';
import { EPOCH } from '../clock.ts';
import type { Actor, Thread } from '../scheduler.ts';
import type { World } from '../world.ts';
import { isCreate, isWrite, pathOf, sent, type Entry } from './ledger.ts';
import { holderOf, type Holder } from './witness.ts';

interface Intent {
  readonly id: string;
  readonly pid: number;
  readonly holderId: string | null;
}

/**
 * Keeps the ledger of all requests to Box, and compares each with the call log and the leases when it leaves the
 * process.
 */
export class WireCheck {
  readonly violations: string[] = [];
  readonly ledger: Entry[] = [];
  /** People and groups for which a change reached Box after its worker had lost the lease. */
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
      forwarded: (thread, entry) => this.#forwarded(thread, entry),
    };
  }

  async #arrived(thread: Thread, exchange: Exchange): Promise<Entry> {
    const intent = await this.#intentOf(thread, exchange);
    const entry: Entry = {
      ...{ exchange, sender: thread.actor, did: null, shown: null },
      ...{ callId: intent?.id ?? null, holderId: intent?.holderId ?? null },
    };
    this.ledger.push(entry);
    const call = `${exchange.method} ${pathOf(entry)}`;
    if (!intent) this.violations.push(`${thread.name} sent ${call} without an intent`);
    if (!isWrite(entry)) return entry;
    const holder = await this.#heldBy(thread, entry);
    if (holder) this.#checkStatus(thread, entry, holder);
    else this.violations.push(`${thread.name} sent ${call} without the lease`);
    return entry;
  }

  /** From here on the request cannot be stopped, so a change that overtakes it is only noted. */
  async #forwarded(thread: Thread, entry: Entry): Promise<void> {
    if (!isWrite(entry) || isCreate(entry) || entry.holderId === null) return;
    if (!(await this.#heldBy(thread, entry))) this.overtaken.add(entry.holderId);
  }

  /** A worker never activates a person who was inactive when it took the lease, nor the other way round. */
  #checkStatus({ name }: Thread, entry: Entry, { isActive }: Holder): void {
    const status = sent(entry, 'status');
    const isOn = isCreate(entry) ? status !== 'inactive' : status === 'active';
    if (isOn && isActive === false) this.violations.push(`${name} activated a person who had left`);
    if (status === 'inactive' && isActive === true)
      this.violations.push(`${name} deactivated a person who had not left`);
  }

  /** An intent without an outcome that belongs to no earlier request. */
  async #intentOf(thread: Thread, exchange: Exchange): Promise<Intent | undefined> {
    const { house, tenantId } = this.#world;
    const rows = await house.admin.query<Intent>(
      `SELECT c.id::text, w.pid, w.holder_id AS "holderId"
       FROM api_call c JOIN chaos.written w ON w.call_id = c.id LEFT JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.tenant_id = $1 AND o.call_id IS NULL AND c.method = $2 AND c.path = $3
         AND ($4::text IS NULL OR c.parameters ->> 'externalId' = $4) ORDER BY c.id DESC`,
      [tenantId, exchange.method, exchange.path.split('?')[0], externalIdOf(exchange)],
    );
    const fresh = rows.find(({ id, pid }) => this.#actorOf(pid) === thread.actor && !this.#used.has(id));
    if (fresh) this.#used.add(fresh.id);
    return fresh;
  }

  /** The lease's holder, if that is the sender. */
  async #heldBy(thread: Thread, { holderId }: Entry): Promise<Holder | null> {
    if (holderId === null) return null;
    const holder = await holderOf(this.#world.house.admin, holderId);
    return holder?.isLive && this.#actorOf(holder.pid) === thread.actor ? holder : null;
  }
}

function externalIdOf(exchange: Exchange): string | null {
  const [, query = ''] = exchange.path.split('?');
  const asked =
    new URLSearchParams(query).get('external_app_user_id') ?? sent({ exchange }, 'external_app_user_id');
  return typeof asked === 'string' ? asked : null;
}
