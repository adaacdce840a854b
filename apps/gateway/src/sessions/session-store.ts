import connectPgSimple from 'connect-pg-simple';
import type { Request } from 'express';
import session, { type Session, type SessionData } from 'express-session';
import type pg from 'pg';
import './session-data.ts';

const PgStore = connectPgSimple(session);

type Done<T = void> = (error: unknown, result?: T) => void;

/** An expiry is written again when it has moved by this much: a busy browser costs one write a minute, not one per request. */
const TOUCH_EVERY_MS = 60_000;

/** The sessions of one tenant, and how long they last. */
export interface SessionTerms {
  readonly tenantId: string;
  /** Without being used, in milliseconds. */
  readonly idleMs: number;
  /** However busy it is, in milliseconds. */
  readonly maxAgeMs: number;
}

/**
 * connect-pg-simple, with four habits changed. It knows the sessions of its tenant only. A session in the database is only
 * ever updated: stock `set` is an upsert, so a request that is under way while another signs out would bring the session
 * back. `touch` writes once a minute. And a session whose person was deactivated, or whose identity has been given to another
 * subject, ends when it is next used: the database deletes it in that same transaction, but one that is just being made
 * would come after.
 */
export class SessionStore extends PgStore {
  private readonly pool: pg.Pool;
  /** The expiry in the database, of the sessions that are there. */
  private readonly expiries = new WeakMap<object, number>();
  private readonly terms: SessionTerms;
  private readonly touchEveryMs: number;

  constructor(pool: pg.Pool, terms: SessionTerms, onError: (error: unknown) => void) {
    super({
      pool,
      tableName: 'session',
      createTableIfMissing: false,
      pruneSessionInterval: 15 * 60,
      errorLog: (...words) => onError(words.at(-1)),
    });
    this.pool = pool;
    this.terms = terms;
    // Much less than the time-out, or it would run out between two writes of somebody who is busy.
    this.touchEveryMs = Math.min(TOUCH_EVERY_MS, terms.idleMs / 10);
  }

  override get(sid: string, done: Done<SessionData | null>): void {
    const query = this.pool.query<{ sess: SessionData; expire: Date; current: boolean | null }>({
      name: 'session-get',
      text: `SELECT s.sess, s.expire, ${isCurrent} AS current FROM session s ${holder}
             WHERE s.sid = $1 AND s.tenant_id = $2 AND s.expire >= now()`,
      values: [sid, this.terms.tenantId],
    });
    answer(query, (error, result) => {
      const row = result?.rows[0];
      if (!row) return done(error, null);
      const isOver = Date.now() - (row.sess.signedInAt ?? 0) >= this.terms.maxAgeMs;
      if (isOver || row.current !== true) return this.destroy(sid, (fault) => done(fault, null));
      row.sess.cookie.expires = row.expire;
      done(null, row.sess);
    });
  }

  /** Whether a session that was good a while ago still is: it may have been ended, or its identity given to another subject. */
  async isStanding(sid: string): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      name: 'standing-session',
      text: `SELECT FROM session s ${holder}
             WHERE s.sid = $1 AND s.tenant_id = $2 AND s.expire >= now() AND ${isCurrent}`,
      values: [sid, this.terms.tenantId],
    });
    return rowCount === 1;
  }

  override createSession(req: Request, stored: SessionData): Session & SessionData {
    const made = super.createSession(req, stored);
    const { expires } = made.cookie;
    if (expires) this.expiries.set(made, expires.valueOf());
    return made;
  }

  override set(sid: string, data: SessionData, done: Done = () => {}): void {
    const expiry = expiryOf(data);
    const values = [sid, JSON.stringify(data), expiry, this.terms.tenantId];
    const query = this.expiries.has(data)
      ? {
          name: 'session-update',
          text: 'UPDATE session SET sess = $2, expire = $3 WHERE sid = $1 AND tenant_id = $4',
          values,
        }
      : {
          name: 'session-insert',
          text: 'INSERT INTO session (sid, sess, expire, tenant_id) VALUES ($1, $2, $3, $4)',
          values,
        };
    answer(this.pool.query(query), (error) => {
      // express-session saves a regenerated session once more at the end of the answer.
      if (!error) this.expiries.set(data, expiry.valueOf());
      done(error);
    });
  }

  override touch(sid: string, data: SessionData, done: Done = () => {}): void {
    const expiry = expiryOf(data);
    const stored = this.expiries.get(data);
    if (stored !== undefined && expiry.valueOf() - stored < this.touchEveryMs) return done(null);
    this.expiries.set(data, expiry.valueOf());
    const query = {
      name: 'session-touch',
      text: 'UPDATE session SET expire = $2 WHERE sid = $1 AND tenant_id = $3',
      values: [sid, expiry, this.terms.tenantId],
    };
    answer(this.pool.query(query), (error) => done(error));
  }

  /** Ends every session of a person; gives how many there were. */
  async destroyOf(identityId: string): Promise<number> {
    const { rowCount } = await this.pool.query(
      `DELETE FROM session WHERE sess ->> 'identityId' = $1 AND tenant_id = $2`,
      [identityId, this.terms.tenantId],
    );
    return rowCount ?? 0;
  }
}

const holder = `LEFT JOIN identity i ON i.id = (s.sess ->> 'identityId')::uuid AND i.tenant_id = s.tenant_id`;
const isCurrent = `(i.active AND i.session_epoch = (s.sess ->> 'epoch')::int)`;

const expiryOf = ({ cookie }: SessionData): Date => new Date(cookie.expires ?? Date.now());

/** Outside the promise, so that what `done` throws is not taken for a fault of the query. */
function answer<R>(query: Promise<R>, done: Done<R>): void {
  query.then(
    (result) => process.nextTick(done, null, result),
    (error: unknown) => process.nextTick(done, error),
  );
}
