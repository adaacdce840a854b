import { performance } from 'node:perf_hooks';
import type { BoxFault, BoxNotice } from '@foyer/provisioning';

/** Tracks whether Box accepts our credentials. Reports the first refusal, each further one, and the next acceptance. */
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

  /** For how many seconds Box has refused the credentials, and its message; null while it accepts them. */
  problem(): { readonly seconds: number; readonly detail: string } | null {
    return this.#refused && { seconds: secondsSince(this.#refused.since), detail: this.#refused.detail };
  }
}

const secondsSince = (moment: number): number => Math.round((performance.now() - moment) / 1000);
