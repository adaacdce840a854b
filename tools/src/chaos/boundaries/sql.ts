import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase, type Database } from '@foyer/persistence';
import type pg from 'pg';
import type { Admin } from '../admin.ts';
import { MOST_PATIENCE_MS, never, oneTurn, type Actor, type Scheduler, type Thread } from '../scheduler.ts';

type Statement = string | pg.QueryConfig;
type End = { readonly result: pg.QueryResult } | { readonly error: unknown };

/** How long a statement runs before PostgreSQL is asked for the first time whether it waits for a lock, in milliseconds. */
const PATIENCE_MS = 5;
const COMMITS = /^(COMMIT|ROLLBACK)$/i;
const lost = (): Error => new Error('Connection terminated unexpectedly');

/**
 * One process's access to PostgreSQL: the real pool and the real Prisma client, with a boundary before each statement
 * is sent, and another after it was carried out but before the result is seen. Lent to one actor after the other,
 * because a Prisma client takes a tenth of a second to create; its connections end with each actor.
 */
export class SqlDesk {
  readonly database: Database;
  readonly #admin: Admin;
  readonly #connect: () => Promise<pg.PoolClient>;
  /** The process id of the server's side of each connection. */
  readonly #pids = new Map<pg.PoolClient, number>();
  readonly #inHand = new Set<pg.PoolClient>();
  #scheduler: Scheduler | null = null;
  #actor: Actor | null = null;
  #onPid: (pid: number) => void = () => undefined;

  constructor(url: string, admin: Admin) {
    this.#admin = admin;
    this.database = openDatabase({ url, poolSize: 20, hasTimeLimits: false });
    const { pool } = this.database;
    this.#connect = pool.connect.bind(pool);
    pool.on('connect', (client) => client.on('error', () => undefined));
    Object.defineProperty(pool, 'query', {
      value: (statement: Statement, values?: unknown[]) => this.#query(statement, values),
    });
    Object.defineProperty(pool, 'connect', { value: () => this.#begin() });
  }

  /**
   * From now on the statements belong to this actor. `onPid` receives the id of each connection that the actor uses.
   */
  lend(scheduler: Scheduler, actor: Actor, onPid: (pid: number) => void): void {
    this.#scheduler = scheduler;
    this.#actor = actor;
    this.#onPid = onPid;
  }

  /** Its actor was killed: the connections end, and uncommitted work is lost. */
  async takeBack(): Promise<void> {
    this.#actor = null;
    await this.dropConnections();
    for (const client of this.#inHand) client.release(true);
    this.#inHand.clear();
  }

  /** Its actor ended. Idle connections are kept for the next. */
  async leave(): Promise<void> {
    if (this.#inHand.size > 0) await this.takeBack();
    this.#actor = null;
    this.#scheduler = null;
  }

  /** Ends the connections from the server's side, as a restart does, and waits until this side has noticed. */
  async dropConnections(): Promise<void> {
    for (const [client, pid] of [...this.#pids]) await this.#drop(client, pid);
  }

  /** Waits until this side has noticed that the server is gone. */
  async untilGone(): Promise<void> {
    while (this.#pids.size > 0) await oneTurn();
  }

  /** Closes the pool without Prisma, which would wait for the transactions of dead actors. */
  async close(): Promise<void> {
    await this.takeBack();
    await this.database.pool.end();
  }

  async #drop(client: pg.PoolClient, pid: number): Promise<void> {
    if (!this.#pids.has(client)) return;
    const gone = new Promise((resolve) => client.once('end', resolve));
    await this.#admin.terminate(pid);
    await gone;
  }

  async #open(): Promise<pg.PoolClient> {
    const client = await this.#connect();
    if (!this.#pids.has(client)) {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      this.#pids.set(client, rows[0]!.pid);
      client.once('end', () => this.#pids.delete(client));
    }
    this.#onPid(this.#pids.get(client)!);
    this.#inHand.add(client);
    return client;
  }

  #giveBack(client: pg.PoolClient, isBroken: boolean): void {
    if (this.#inHand.delete(client)) client.release(isBroken);
  }

  #turn(): { scheduler: Scheduler; thread: Thread; actor: Actor } {
    if (!this.#scheduler || !this.#actor) throw new Error('A statement was sent outside of every actor.');
    const thread = this.#scheduler.current;
    if (thread.actor !== this.#actor) throw new Error(`${thread.name} used another's database.`);
    return { scheduler: this.#scheduler, thread, actor: this.#actor };
  }

  async #query(statement: Statement, values?: unknown[]): Promise<pg.QueryResult> {
    const { scheduler, thread, actor } = this.#turn();
    const name = nameOf(thread, statement);
    if (await scheduler.reach(thread, `${name} before`, ['connection lost'])) throw lost();
    const opened = await this.#open().catch((error: unknown) => ({ error }));
    if ('error' in opened) throw opened.error;
    const end = await this.#run(thread, opened, statement, values);
    if (actor.dead) return never();
    const isLost = (await scheduler.reach(thread, `${name} after`, ['reply lost'])) !== null;
    this.#giveBack(opened, isLost);
    if (isLost) throw lost();
    return resultOf(end);
  }

  /** Opens a connection of its own, for a transaction. */
  async #begin(): Promise<pg.PoolClient> {
    const { thread } = this.#turn();
    const client = await this.#open();
    return new Proxy(client, {
      get: (target, key) => {
        if (key === 'query')
          return (statement: Statement, values?: unknown[]) =>
            this.#inTransaction(thread, target, statement, values);
        if (key === 'release') return () => this.#release(thread, target);
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function'
          ? (...args: unknown[]): unknown => Reflect.apply(value, target, args)
          : value;
      },
    });
  }

  #release(thread: Thread, client: pg.PoolClient): void {
    this.#scheduler?.inTransaction.delete(thread);
    this.#scheduler?.holding.delete(thread);
    if (!thread.actor.dead) this.#giveBack(client, false);
  }

  async #inTransaction(
    thread: Thread,
    client: pg.PoolClient,
    statement: Statement,
    values?: unknown[],
  ): Promise<pg.QueryResult> {
    // Prisma rolls back a transaction that took too long: for a dead actor nothing is left to do.
    if (thread.actor.dead || !this.#scheduler) throw lost();
    const scheduler = this.#scheduler;
    const name = nameOf(thread, statement);
    if (await scheduler.reach(thread, `${name} before`, ['connection lost'])) {
      await this.#dropOne(client);
      throw lost();
    }
    const end = await this.#run(thread, client, statement, values);
    if (thread.actor.dead) return never();
    const text = textOf(statement).trim();
    if (COMMITS.test(text)) {
      scheduler.inTransaction.delete(thread);
      scheduler.holding.delete(thread);
    } else {
      scheduler.inTransaction.add(thread);
      if (!text.startsWith('BEGIN')) scheduler.holding.add(thread);
    }
    if (await scheduler.reach(thread, `${name} after`, ['reply lost'])) {
      await this.#dropOne(client);
      scheduler.inTransaction.delete(thread);
      scheduler.holding.delete(thread);
      throw lost();
    }
    return resultOf(end);
  }

  async #dropOne(client: pg.PoolClient): Promise<void> {
    const pid = this.#pids.get(client);
    if (pid !== undefined) await this.#drop(client, pid);
  }

  /**
   * Sends the statement. While other threads have open transactions it may wait for one of them; then they continue
   * first.
   */
  async #run(thread: Thread, client: pg.PoolClient, statement: Statement, values?: unknown[]): Promise<End> {
    const scheduler = this.#scheduler!;
    const pid = this.#pids.get(client);
    let ended = false;
    const watched = client
      .query(statement, values)
      .then(
        (result): End => ({ result }),
        (error: unknown): End => ({ error }),
      )
      .finally(() => {
        ended = true;
      });
    const isAlone = [...scheduler.inTransaction].every((other) => other === thread);
    if (isAlone || pid === undefined) return watched;
    for (let patience = PATIENCE_MS; ; patience = Math.min(2 * patience, MOST_PATIENCE_MS)) {
      await Promise.race([watched, pause(patience)]);
      if (ended) return watched;
      if ((await this.#admin.isBlocked(pid)) && !ended) break;
    }
    thread.waitsForLock = async () => !ended && (await this.#admin.isBlocked(pid)) && !ended;
    thread.yield();
    return watched;
  }
}

function resultOf(end: End): pg.QueryResult {
  if ('error' in end) throw end.error;
  return end.result;
}

const textOf = (statement: Statement): string => (typeof statement === 'string' ? statement : statement.text);

const nameOf = (thread: Thread, statement: Statement): string =>
  `sql ${thread.ports.at(-1) ?? 'alone'}: ${describe(textOf(statement))}`;

/** A short name of what a statement does, which stays the same when its text is reformatted. */
export function describe(text: string): string {
  const plain = text.replaceAll('"public".', '').replaceAll('"', '').replaceAll(/\s+/g, ' ').trim();
  if (/^(BEGIN|COMMIT|ROLLBACK)/i.test(plain)) return plain.toLowerCase();
  const writes = plain.matchAll(/(?<!FOR |DO )\b(INSERT INTO|UPDATE|DELETE FROM) ([a-z_]+)/g);
  const changed = [...writes].map(([, verb, table]) => `${verb!.split(' ')[0]!.toLowerCase()} ${table!}`);
  if (changed.length > 0) return [...new Set(changed)].join(', ');
  const read = /\bFROM ([a-z_]+)/.exec(plain)?.[1] ?? /^SELECT ([a-z_]+)/.exec(plain)?.[1];
  return `select ${read ?? 'nothing'}`;
}
