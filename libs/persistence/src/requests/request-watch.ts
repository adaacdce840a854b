import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Database } from '../database/database.ts';
import { listenTo, pingOver } from '../database/listening.ts';

/**
 * How often the connection is pinged, and how long an answer may take, in milliseconds: notifications alone may be
 * hours apart.
 */
const PING_EVERY_MS = 5_000;
const PING_LIMIT_MS = 5_000;
const REQUESTS = 'foyer_request';
const TOKENS = 'foyer_scim_token';

/** What a cache of SCIM tokens has to know. */
export interface TokenChanges {
  /** False while notifications may be missed. */
  readonly isListening: boolean;
  /** Calls `listener` at every change of a token, and when changes may have been missed. */
  onTokenChange(listener: () => void): void;
}

/**
 * Listens for every change to a request (NOTIFY foyer_request) and to a SCIM token (NOTIFY foyer_scim_token) on one
 * connection per process, for any number of waiters. While the connection is lost, waiters are woken once a second instead. A connection that stops answering is
 * replaced within ten seconds.
 */
export class RequestWatch implements TokenChanges {
  private readonly database: Database;
  private readonly waiters = new Map<string, Set<() => void>>();
  private readonly listeners: ((requestId: string) => void)[] = [];
  private readonly tokenListeners: (() => void)[] = [];
  private readonly onError: (error: Error) => void;
  private client: pg.Client | null = null;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly pingEveryMs: number;

  constructor(database: Database, onError: (error: Error) => void, pingEveryMs = PING_EVERY_MS) {
    this.database = database;
    this.onError = onError;
    this.pingEveryMs = pingEveryMs;
  }

  /**
   * Begins to listen; a lost connection is reopened every second. Resolves when listening, or when the first try has
   * failed.
   */
  async open(): Promise<void> {
    if (this.closed) return;
    let client: pg.Client | null = null;
    try {
      client = await this.database.connect();
      const opened = client;
      client.on('notification', ({ channel, payload = '' }) => {
        if (channel === TOKENS) return this.tellTokenListeners();
        for (const listener of this.listeners) listener(payload);
        this.wake(payload);
      });
      client.on('end', () => this.reopen(opened));
      await listenTo(client, [REQUESTS, TOKENS]);
      this.client = client;
      this.tellTokenListeners();
      if (this.closed) return await client.end();
      void this.ping(client);
    } catch (error) {
      void client?.end().catch(() => undefined);
      this.report(error);
      this.reopen(null);
    }
  }

  /** Calls `listener` with the id of every request that changes. Changes may be missed while the connection is lost. */
  onChange(listener: (requestId: string) => void): void {
    this.listeners.push(listener);
  }

  get isListening(): boolean {
    return this.client !== null && !this.closed;
  }

  onTokenChange(listener: () => void): void {
    this.tokenListeners.push(listener);
  }

  /**
   * Resolves at the next change of the request, after a second without one, when the time is up, or when the signal
   * aborts. Subscribe before reading the state, so that no change is missed in between: `changed` is armed when this
   * returns.
   */
  next(
    requestId: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ): { readonly changed: Promise<void>; cancel(): void } {
    let cancel = () => {};
    const changed = new Promise<void>((resolve) => {
      const waiters = this.waiters.get(requestId) ?? new Set();
      const done = () => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0) this.waiters.delete(requestId);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, 1_000));
      signal?.addEventListener('abort', done, { once: true });
      waiters.add(done);
      this.waiters.set(requestId, waiters);
      if (signal?.aborted) done();
      cancel = done;
    });
    return { changed, cancel };
  }

  /** How many callers wait for a change now. */
  get waiting(): number {
    return [...this.waiters.values()].reduce((sum, { size }) => sum + size, 0);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    for (const id of [...this.waiters.keys()]) this.wake(id);
    await this.client?.end();
  }

  private tellTokenListeners(): void {
    for (const listener of this.tokenListeners) listener();
  }

  private wake(requestId: string): void {
    for (const done of [...(this.waiters.get(requestId) ?? [])]) done();
  }

  /**
   * Runs as long as this is the connection in use. The query's own limit closes a connection that does not answer in
   * time.
   */
  private async ping(client: pg.Client): Promise<void> {
    while (this.client === client && !this.closed) {
      await pause(this.pingEveryMs, undefined, { ref: false });
      if (this.client !== client || this.closed) return;
      await pingOver(client, PING_LIMIT_MS).catch((error: unknown) => this.report(error));
    }
  }

  private report(error: unknown): void {
    this.onError(error instanceof Error ? error : new Error(String(error)));
  }

  private reopen(ended: pg.Client | null): void {
    if (this.closed || (ended !== null && ended !== this.client)) return;
    this.client = null;
    this.tellTokenListeners();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.open(), 1_000);
  }
}
