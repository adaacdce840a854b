import type { TakenKey } from './returning.ts';

/** Another user or group of the tenant has keys that a command gives to this one; nothing was changed. */
export class KeyConflict extends Error {
  override readonly name = 'KeyConflict';
  readonly of: 'user' | 'group';
  /** Empty when it cannot be told which of the keys it is. */
  readonly keys: readonly (TakenKey | 'displayName')[];
  /** Who was to get the keys; null for a new one. */
  readonly self: string | null;
  /** Who has them; null when that cannot be told any more. */
  readonly holder: string | null;

  constructor(of: KeyConflict['of'], { keys, self, holder }: Pick<KeyConflict, 'keys' | 'self' | 'holder'>) {
    super(`${holder ?? `Another ${of}`} has the keys (${keys.join(', ')}) of ${self ?? `a new ${of}`}.`);
    this.of = of;
    this.keys = keys;
    this.self = self;
    this.holder = holder;
  }
}
