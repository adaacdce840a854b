import connectPgSimple from 'connect-pg-simple';
import type { Request } from 'express';
import session, { type Session, type SessionData } from 'express-session';
import type pg from 'pg';
import './session-data.ts';

const PgStore = connectPgSimple(session);

type Done<T = void> = (error: unknown, result?: T) => void;

/**
 * The expiry is written again when it has moved by this much, so a busy browser costs one write a minute instead of one
 * per request.
 */
const TOUCH_EVERY_MS = 60_000;

/** The sessions of one tenant, and how long they last. */
export interface SessionTerms {
  readonly tenantId: string;
  /** The time-out without use, in milliseconds. */
  readonly idleMs: number;
  /** The absolute time-out, in milliseconds. */
  readonly maxAgeMs: number;
}

/**
 * connect-pg-simple with five changes. It reads and writes the sessions of its own tenant only. It only updates a
 * session that is in the database: stock `set` is an upsert, so a request that runs while another signs out would
 * restore the session. `touch` writes once a minute. A session whose person was deactivated, or whose identity now
 * belongs to another subject, ends at its next use: the database deletes existing sessions in that same transaction,
 * but one that is just being created would survive it. Expired sessions are deleted by `sweep`, not by a timer of its
 * own.
 */
export class SessionStore extends PgStore {
  private readonly pool: pg.Pool;
  /** The stored expiry of each session that is in the database. */
  private readonly expiries = new WeakMap<object, number>();
  private readonly terms: SessionTerms;
  private readonly touchEveryMs: number;

  constructor(pool: pg.Pool, terms: SessionTerms, onError: (error: unknown) => void) {
    super({
      pool,
      tableName: 'session',
      createTableIfMissing: false,
      // The sweep is a background task of the gateway.
      pruneSessionInterval: false,
      errorLog: (...words) => onError(words.at(-1)),
    });
    this.pool = pool;
    this.terms = terms;
    // Much less than the time-out, or a session in use could expire between two writes.
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

  /**
   * Whether a session that was valid a moment ago still is: it may have ended, or its identity may belong to another
   * subject now.
   */
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
      // express-session saves a regenerated session once more at the end of the response.
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

  /** Ends every session of a person; returns the number of sessions. */
  async destroyOf(identityId: string): Promise<number> {
    const { rowCount } = await this.pool.query(
      `DELETE FROM session WHERE sess ->> 'identityId' = $1 AND tenant_id = $2`,
      [identityId, this.terms.tenantId],
    );
    return rowCount ?? 0;
  }

  /** Deletes the sessions that have expired; returns their number. */
  async sweep(): Promise<number> {
    const { rowCount } = await this.pool.query(
      'DELETE FROM session WHERE expire < now() AND tenant_id = $1',
      [this.terms.tenantId],
    );
    return rowCount ?? 0;
  }
}

const holder = `LEFT JOIN identity i ON i.id = (s.sess ->> 'identityId')::uuid AND i.tenant_id = s.tenant_id`;
const isCurrent = `(i.active AND i.session_epoch = (s.sess ->> 'epoch')::int)`;

const expiryOf = ({ cookie }: SessionData): Date => new Date(cookie.expires ?? Date.now());

/** `done` runs outside the promise, so that an error that it throws does not count as an error of the query. */
function answer<R>(query: Promise<R>, done: Done<R>): void {
  query.then(
    (result) => process.nextTick(done, null, result),
    (error: unknown) => process.nextTick(done, error),
  );
}
