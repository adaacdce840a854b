import { performance } from 'node:perf_hooks';
import type { BoxFault, BoxNotice } from '@foyer/provisioning';

/** Whether Box takes our credentials. Told when it begins to refuse them, each time it does so again, and when it is over. */
export class Acceptance {
  readonly #onNotice: (notice: BoxNotice) => void;
  #refused: { readonly since: number; readonly detail: string } | null = null;

  constructor(onNotice: (notice: BoxNotice) => void) {
    this.#onNotice = onNotice;
  }

  refused(refusal: BoxFault): BoxFault {
    const since = this.#refused?.since ?? performance.now();
    this.#refused = { since, detail: refusal.detail };
    this.#onNotice({ kind: 'credentials-refused', seconds: secondsSince(since), detail: refusal.detail });
    return refusal;
  }

  accepted(): void {
    const problem = this.problem();
    this.#refused = null;
    if (problem) this.#onNotice({ kind: 'credentials-accepted', seconds: problem.seconds });
  }

  /** Since how many seconds Box refuses them, and in which words; null: it does not. */
  problem(): { readonly seconds: number; readonly detail: string } | null {
    return this.#refused && { seconds: secondsSince(this.#refused.since), detail: this.#refused.detail };
  }
}

const secondsSince = (moment: number): number => Math.round((performance.now() - moment) / 1000);
