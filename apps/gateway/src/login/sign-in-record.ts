import { Injectable } from '@nestjs/common';
import { Metrics } from '@foyer/platform';
import type { CallIntent, RecordedChange } from '@foyer/provisioning';
import { errorCatalog } from '@foyer/shared';
import type { Request } from 'express';
import { okOutcome } from '../access/call-notes.ts';
import { toFoyerError } from '../http/error.filter.ts';
import { safePath } from '../http/safe-path.ts';
import { SignInLimit } from './sign-in-limit.ts';
import type { Trail } from './trail.ts';

/** Records how a sign-in ended, in the audit log and the metrics, without any data from Okta or the browser. */
@Injectable()
export class SignInRecord {
  constructor(
    private readonly limit: SignInLimit,
    private readonly metrics: Metrics,
  ) {}

  /** The record of an admitted sign-in, for the transaction that opens its request. */
  change(req: Request, trail: Trail): RecordedChange & { readonly isCommitted: boolean } {
    let isCommitted = false;
    return {
      intent: () => intent(req),
      outcome: () => okOutcome(303, trail.durationMs),
      committed: () => void (isCommitted = true),
      get isCommitted() {
        return isCommitted;
      },
    };
  }

  /** A sign-in that changes nothing is recorded in a transaction of its own. */
  async unchanged(req: Request, trail: Trail, identityId: string): Promise<void> {
    trail.add(intent(req), okOutcome(303, trail.durationMs), { identityId });
    await trail.settled();
  }

  accepted(): void {
    this.metrics.signIns.inc({ result: 'ok' });
  }

  /**
   * Returns the error for the response. Refusals count towards the address's limit; over the limit nothing more is
   * recorded, or an attacker could fill the log.
   */
  async refused(req: Request, trail: Trail, error: unknown): Promise<unknown> {
    const { code } = toFoyerError(error, req);
    if (code === 'sign_in_failed') await this.limit.countUnverified(req);
    try {
      await this.limit.countRefused(req);
    } catch (tooMany) {
      this.metrics.signIns.inc({ result: 'too_many_requests' });
      return tooMany;
    }
    this.metrics.signIns.inc({ result: code });
    const { status } = errorCatalog[code];
    const result = status >= 500 ? 'failed' : 'refused';
    trail.add(intent(req), { result, status, error: code, answer: null, durationMs: trail.durationMs });
    // The response is a refusal already, so a record that cannot be written does not change it.
    await trail.settled().catch((err: unknown) => req.log.error({ event: 'call-not-recorded', err }));
    return error;
  }
}

const intent = (req: Request): CallIntent => ({
  direction: 'in',
  system: 'okta',
  operation: 'sign_in',
  method: req.method,
  path: safePath(req),
  actor: null,
  parameters: { address: req.ip ?? '', reference: req.reference },
});
