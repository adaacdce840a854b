import { type Adapter, type AdapterPayload } from 'oidc-provider';

interface Entry {
  payload: AdapterPayload;
  /** Epoch milliseconds. */
  expiresAt: number;
}

const PRUNE_EVERY = 1000;
const MAX_ENTRIES = 50_000;

/**
 * oidc-provider's store for one of its models, in memory: expired entries are removed, and the oldest when it is full.
 */
export class MemoryAdapter implements Adapter {
  readonly #entries = new Map<string, Entry>();
  readonly #idByUid = new Map<string, string>();
  readonly #idsByGrant = new Map<string, Set<string>>();
  #writes = 0;

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.destroy(id);
    this.#entries.set(id, {
      payload,
      expiresAt: expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000,
    });
    if (payload.uid !== undefined) this.#idByUid.set(payload.uid, id);
    if (payload.grantId !== undefined) {
      const ids = this.#idsByGrant.get(payload.grantId) ?? new Set();
      this.#idsByGrant.set(payload.grantId, ids.add(id));
    }
    if (++this.#writes % PRUNE_EVERY === 0) await this.#prune();
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const entry = this.#entries.get(id);
    if (!entry || entry.expiresAt > Date.now()) return entry?.payload;
    await this.destroy(id);
    return undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const id = this.#idByUid.get(uid);
    return id === undefined ? undefined : this.find(id);
  }

  /** User codes belong to the device flow, which the twin does not have. */
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    const { uid, grantId } = entry.payload;
    if (uid !== undefined && this.#idByUid.get(uid) === id) this.#idByUid.delete(uid);
    if (grantId === undefined) return;
    const ids = this.#idsByGrant.get(grantId);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsByGrant.delete(grantId);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const id of this.#idsByGrant.get(grantId) ?? []) await this.destroy(id);
  }

  async #prune(): Promise<void> {
    const now = Date.now();
    let surplus = this.#entries.size - MAX_ENTRIES;
    for (const [id, { expiresAt }] of this.#entries) {
      if (expiresAt <= now || surplus-- > 0) await this.destroy(id);
    }
  }
}
