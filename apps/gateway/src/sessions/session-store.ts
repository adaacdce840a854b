import connectPgSimple from 'connect-pg-simple';
import type { Request } from 'express';
import session, { type Session, type SessionData } from 'express-session';
import type pg from 'pg';
import './session-data.ts';

const PgStore = connectPgSimple(session);

type Done<T = void> = (error: unknown, result?: T) => void;

/** An expiry is written again when it has moved by this much: a busy browser costs one write a minute, not one per request. */
const TOUCH_EVERY_MS = 60_000;

/**
 * connect-pg-simple, with three habits mended. A session in the database is only ever updated: stock `set` is an upsert, so
 * a request that is under way while another signs out would bring the session back. `touch` writes once a minute. And a
 * session whose person was deactivated ends when it is next used.
 */
export class SessionStore extends PgStore {
  private readonly pool: pg.Pool;
  /** The expiry in the database, of the sessions that are there. */
  private readonly expiries = new WeakMap<object, number>();

  private readonly maxAgeMs: number;

  /** `maxAgeMs`: how long a session lasts however busy it is. */
  constructor(pool: pg.Pool, maxAgeMs: number, onError: (error: unknown) => void) {
    super({
      pool,
      tableName: 'session',
      createTableIfMissing: false,
      pruneSessionInterval: 15 * 60,
      errorLog: (...words) => onError(words.at(-1)),
    });
    this.pool = pool;
    this.maxAgeMs = maxAgeMs;
  }

  override get(sid: string, done: Done<SessionData | null>): void {
    const query = this.pool.query<{ sess: SessionData; expire: Date; active: boolean | null }>({
      name: 'session-get',
      text: `SELECT s.sess, s.expire, i.active FROM session s LEFT JOIN identity i ON i.id = (s.sess ->> 'identityId')::uuid
             WHERE s.sid = $1 AND s.expire >= now()`,
      values: [sid],
    });
    answer(query, (error, result) => {
      const row = result?.rows[0];
      if (!row) return done(error, null);
      const isOver = Date.now() - (row.sess.signedInAt ?? 0) >= this.maxAgeMs;
      if (isOver || row.active === false) return this.destroy(sid, (fault) => done(fault, null));
      row.sess.cookie.expires = row.expire;
      done(null, row.sess);
    });
  }

  override createSession(req: Request, stored: SessionData): Session & SessionData {
    const made = super.createSession(req, stored);
    const { expires } = made.cookie;
    if (expires) this.expiries.set(made, expires.valueOf());
    return made;
  }

  override set(sid: string, data: SessionData, done: Done = () => {}): void {
    const expiry = expiryOf(data);
    const values = [sid, JSON.stringify(data), expiry];
    const query = this.expiries.has(data)
      ? { name: 'session-update', text: 'UPDATE session SET sess = $2, expire = $3 WHERE sid = $1', values }
      : {
          name: 'session-insert',
          text: 'INSERT INTO session (sid, sess, expire) VALUES ($1, $2, $3)',
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
    if (stored !== undefined && expiry.valueOf() - stored < TOUCH_EVERY_MS) return done(null);
    this.expiries.set(data, expiry.valueOf());
    const query = {
      name: 'session-touch',
      text: 'UPDATE session SET expire = $2 WHERE sid = $1',
      values: [sid, expiry],
    };
    answer(this.pool.query(query), (error) => done(error));
  }

  /** Ends every session of a person; gives how many there were. */
  async destroyOf(identityId: string): Promise<number> {
    const { rowCount } = await this.pool.query(`DELETE FROM session WHERE sess ->> 'identityId' = $1`, [
      identityId,
    ]);
    return rowCount ?? 0;
  }
}

const expiryOf = ({ cookie }: SessionData): Date => new Date(cookie.expires ?? Date.now());

/** Outside the promise, so that what `done` throws is not taken for a fault of the query. */
function answer<R>(query: Promise<R>, done: Done<R>): void {
  query.then(
    (result) => process.nextTick(done, null, result),
    (error: unknown) => process.nextTick(done, error),
  );
}
