import { randomBytes } from 'node:crypto';
import type { Item } from './items.ts';

/** Serves content without a token; Box has it on dl.boxcloud.com. */
const DOWNLOADS = '/dl/';
/** Box states that such an address is not persistent, but not how long it lasts, so this time is short. */
const LIFETIME_MS = 60_000;

/** The addresses that were issued. */
export class Downloads {
  readonly #given = new Map<string, { readonly item: Item; readonly until: number }>();

  open(item: Item, now: number): string {
    const key = randomBytes(24).toString('base64url');
    this.#given.set(key, { item, until: now + LIFETIME_MS });
    return `${DOWNLOADS}${key}/download`;
  }

  find(path: string, now: number): Item | undefined {
    const [, key = ''] = /^\/dl\/([\w-]+)\/download$/.exec(path) ?? [];
    const given = this.#given.get(key);
    return given && now < given.until ? given.item : undefined;
  }

  clear(): void {
    this.#given.clear();
  }
}

export const isDownload = (path: string): boolean => path.startsWith(DOWNLOADS);
