/** Counts what is under way for each key. Keys with nothing under way take no memory. */
export class Places {
  private readonly taken = new Map<string, number>();
  private readonly most: number;

  /** `most`: the limit for one key; 0 for no limit. */
  constructor(most: number) {
    this.most = most;
  }

  /**
   * Takes a place and returns the function that releases it (further calls do nothing); null when the key has none
   * left.
   */
  take(key: string): (() => void) | null {
    return this.has(key) ? this.add(key) : null;
  }

  /** Whether the key has a place left. */
  has(key: string): boolean {
    return this.most === 0 || this.takenBy(key) < this.most;
  }

  /** Takes a place even when none is left. */
  add(key: string): () => void {
    this.taken.set(key, (this.taken.get(key) ?? 0) + 1);
    let isMine = true;
    return () => {
      if (!isMine) return;
      isMine = false;
      const left = (this.taken.get(key) ?? 1) - 1;
      if (left > 0) this.taken.set(key, left);
      else this.taken.delete(key);
    };
  }

  takenBy(key: string): number {
    return this.taken.get(key) ?? 0;
  }

  get size(): number {
    return this.taken.size;
  }
}

interface Bucket {
  level: number;
  at: number;
}

const MINUTE_MS = 60_000;

/** A table of this many keys takes about 2 MB; the least recently used key is evicted. */
const MOST_KEYS = 10_000;

/** Limits how often each key may act in a minute: a token bucket that fills steadily, for this process only. */
export class Rate {
  private readonly buckets = new Map<string, Bucket>();
  private readonly perMinute: number;
  private readonly mostKeys: number;
  private readonly now: () => number;

  /** `perMinute`: also the largest burst, after a quiet minute; 0 for no limit. */
  constructor(perMinute: number, mostKeys: number = MOST_KEYS, now: () => number = () => performance.now()) {
    this.perMinute = perMinute;
    this.mostKeys = mostKeys;
    this.now = now;
  }

  /** Counts one action. Returns 0 when it is allowed, or else the milliseconds until the next one is. */
  take(key: string): number {
    if (this.perMinute === 0) return 0;
    const now = this.now();
    const known = this.buckets.get(key);
    // Deleting and inserting the key again keeps the map in order of use.
    this.buckets.delete(key);
    const step = MINUTE_MS / this.perMinute;
    const level =
      known === undefined ? this.perMinute : Math.min(this.perMinute, known.level + (now - known.at) / step);
    const isEnough = level >= 1;
    this.buckets.set(key, { level: isEnough ? level - 1 : level, at: now });
    if (this.buckets.size > this.mostKeys) this.forgetOldest();
    return isEnough ? 0 : Math.ceil((1 - level) * step);
  }

  get size(): number {
    return this.buckets.size;
  }

  private forgetOldest(): void {
    const [oldest] = this.buckets.keys();
    if (oldest !== undefined) this.buckets.delete(oldest);
  }
}
