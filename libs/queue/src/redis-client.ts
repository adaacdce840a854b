import { randomUUID } from 'node:crypto';
import { Redis, type RedisOptions } from 'ioredis';
import { KEY_PREFIX } from './options.ts';
import { withinLimit } from './within-limit.ts';

/** How often a connection must write a value and read it back, and how long that may take, in milliseconds. */
const BEAT_EVERY_MS = 2_000;
const BEAT_LIMIT_MS = 4_000;
/** The longest that the handshake may take after connecting; ioredis limits only the connecting itself. */
const GREETING_LIMIT_MS = 5_000;

const KEY = `${KEY_PREFIX}:heartbeat`;
const KEPT_MS = 60_000;
/** Writes the given value and returns it, so that an answer to another command is recognized. */
const BEAT = `redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return ARGV[1]`;

/** The server is a replica, or was the master until now: another server may be behind the same address. */
const isOfReplica = ({ message }: Error): boolean => /^(READONLY|UNBLOCKED|MASTERDOWN)\b/.test(message);

/**
 * A connection to Redis that detects a server that stopped responding, answers out of order or is not the master any
 * more, and then reconnects. ioredis detects none of these: a command that timed out keeps its place in the queue of
 * answers, so that all later answers go to the wrong commands for as long as the connection lasts.
 */
export class WatchedRedis extends Redis {
  readonly #timer: NodeJS.Timeout;
  readonly #url: string;
  readonly #isBlocking: boolean;
  readonly #copies: WatchedRedis[] = [];
  #beating: Promise<void> | undefined;
  #greetingSince: number | undefined;

  /**
   * On a blocking connection other commands wait behind the blocking one, so BullMQ watches its answers, with a limit
   * for each wait.
   */
  constructor(url: string, options: RedisOptions, isBlocking = false) {
    super(url, { ...options, replyMapping: 'legacy', reconnectOnError: isOfReplica });
    this.#isBlocking = isBlocking;
    this.#timer = setInterval(() => this.#look(), BEAT_EVERY_MS).unref();
    this.#url = url;
  }

  /** Called by BullMQ for its blocking commands. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = new WatchedRedis(this.#url, { ...this.options, ...override }, true);
    this.#copies.push(copy);
    return copy;
  }

  /** A command that timed out while the server was unavailable is not sent after reconnecting. */
  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    return command.isResolved ? command.promise : super.sendCommand(command, stream);
  }

  /** Writes and reads back. Rejects when the server does not answer in time, or with the server's error. */
  beat(): Promise<void> {
    return (this.#beating ??= this.#beat().finally(() => (this.#beating = undefined)));
  }

  /** Ends the watch. The owner closes the connection. */
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
      // An error from the server is an answer, and ioredis handles connection errors; only silence is handled here.
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
      this.disconnect(true);
      throw error;
    }
    this.disconnect(true);
    throw new Error(
      'Redis sent the answer to another command. Foyer closes the connection and opens a new one.',
    );
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
