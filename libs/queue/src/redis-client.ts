import { randomUUID } from 'node:crypto';
import { Redis, type RedisOptions } from 'ioredis';
import { KEY_PREFIX } from './options.ts';
import { withinLimit } from './within-limit.ts';

/** How often a connection has to write something and read it back, and how long it may take, in milliseconds. */
const BEAT_EVERY_MS = 2_000;
const BEAT_LIMIT_MS = 4_000;
/** The longest that the greeting may take once a connection is made; ioredis has a limit for the making only. */
const GREETING_LIMIT_MS = 5_000;

const KEY = `${KEY_PREFIX}:heartbeat`;
const KEPT_MS = 60_000;
/** Writes, and gives back what it was given: an answer to something else is told from its own. */
const BEAT = `redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return ARGV[1]`;

/** A replica, or what was the master a moment ago: behind the same address there may be another server by now. */
const isOfReplica = ({ message }: Error): boolean => /^(READONLY|UNBLOCKED|MASTERDOWN)\b/.test(message);

/**
 * A connection to Redis that notices when the other side has gone silent, answers out of step or is no master any more, and
 * is then made anew. ioredis notices neither: a command that ran out of time keeps its place in the line of answers, so that
 * each answer after it goes to the wrong command for as long as the connection lives.
 */
export class WatchedRedis extends Redis {
  readonly #timer: NodeJS.Timeout;
  readonly #url: string;
  readonly #isBlocking: boolean;
  readonly #copies: WatchedRedis[] = [];
  #beating: Promise<void> | undefined;
  #greetingSince: number | undefined;

  /** One that blocks waits for its jobs in line: its answers are watched over by BullMQ, with a limit for each wait. */
  constructor(url: string, options: RedisOptions, isBlocking = false) {
    super(url, { ...options, replyMapping: 'legacy', reconnectOnError: isOfReplica });
    this.#isBlocking = isBlocking;
    this.#timer = setInterval(() => this.#look(), BEAT_EVERY_MS).unref();
    this.#url = url;
  }

  /** What BullMQ makes for its blocking commands. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = new WatchedRedis(this.#url, { ...this.options, ...override }, true);
    this.#copies.push(copy);
    return copy;
  }

  /** A command that was given up while it waited for the server is not sent when the server is back. */
  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    return command.isResolved ? command.promise : super.sendCommand(command, stream);
  }

  /** Writes and reads back. Rejects when the server does not answer in time, or with what it answers. */
  beat(): Promise<void> {
    return (this.#beating ??= this.#beat().finally(() => (this.#beating = undefined)));
  }

  /** Ends the watch. The connection is the owner's to close. */
  endWatch(): void {
    clearInterval(this.#timer);
    for (const copy of this.#copies) copy.endWatch();
  }

  async #beat(): Promise<void> {
    const word = randomUUID();
    try {
      const answer = await withinLimit('Redis', BEAT_LIMIT_MS, () => this.eval(BEAT, 1, KEY, word, KEPT_MS));
      if (answer === word) return;
    } catch (error) {
      // What the server answers is no silence; what the connection says of itself is acted on by ioredis.
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
      this.disconnect(true);
      throw error;
    }
    this.disconnect(true);
    throw new Error('Redis answered to something else: the connection is made anew.');
  }

  #look(): void {
    if (this.status !== 'connect') this.#greetingSince = undefined;
    if (this.status === 'ready' && !this.#isBlocking) this.beat().catch(() => undefined);
    if (this.status !== 'connect') return;
    this.#greetingSince ??= performance.now();
    if (performance.now() - this.#greetingSince < GREETING_LIMIT_MS) return;
    this.#greetingSince = undefined;
    this.disconnect(true);
  }
}
