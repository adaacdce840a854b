import { Inject, Injectable } from '@nestjs/common';
import { BatchIntake } from '@foyer/persistence';
import type { GatewayConfig } from '@foyer/platform';
import { receiveBatch } from '@foyer/provisioning';
import { readRoster } from '@foyer/roster';
import { FoyerError } from '@foyer/shared';
import type { Request } from 'express';
import { intentOf, note } from '../access/call-notes.ts';
import { invalidRequest } from '../access/validation.ts';
import { Shutdown } from '../http/shutdown.ts';
import { CONFIG } from '../context.ts';
import { Body, formatOf } from './body.ts';

/**
 * Stores the people of a body while it is read. Jobs are not enqueued here: the relay enqueues them when the queue has
 * room.
 */
@Injectable()
export class BatchReceiver {
  constructor(
    private readonly intake: BatchIntake,
    private readonly shutdown: Shutdown,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * Returns the id of the new batch, or of the earlier batch with the same key. Throws `unsupported_media_type`,
   * `invalid_request` when no line of the body is usable, `idempotency_key_reused` and `_in_use`, and `unavailable`
   * when the gateway stops while it reads; what was read before then is kept.
   */
  async receive(req: Request, actor: string, key: string | null): Promise<string> {
    const format = formatOf(req);
    const body = new Body(req, this.shutdown.signal);
    const entries = readRoster(body.chunks(), { format, issuer: this.config.OKTA_ISSUER_URI });
    const reception = await receiveBatch(
      entries,
      this.intake,
      {
        ...{ actor, format, key },
        call: (batchId) => intentOf(req, { parameters: { batchId, format, ...(key && { key }) } }),
      },
      { bodyHash: () => body.hash(), onBegun: ({ callId }) => note(req, { openCall: callId }) },
    );
    switch (reception.kind) {
      case 'unusable':
        throw this.stopped() ?? invalidRequest([{ field: reception.field, message: reception.why }]);
      case 'in-use':
        throw new FoyerError('idempotency_key_in_use', undefined, { retryAfterMs: 5_000 });
      case 'earlier':
        if (reception.fits) return reception.batchId;
        throw this.stopped() ?? new FoyerError('idempotency_key_reused');
      case 'received': {
        const stopped = reception.stopped && this.stopped(reception.batchId);
        if (stopped) throw stopped;
        return reception.batchId;
      }
    }
  }

  private stopped(batchId?: string): FoyerError | null {
    if (!this.shutdown.signal.aborted) return null;
    const kept = batchId === undefined ? '' : ` The lines that were read are batch ${batchId}.`;
    return new FoyerError('unavailable', `The gateway is stopping. Send the same body again.${kept}`);
  }
}
