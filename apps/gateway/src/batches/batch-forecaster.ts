import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { PostgresForecastStore, TenantBoxApp } from '@foyer/persistence';
import type { GatewayConfig } from '@foyer/platform';
import { forecast, VerifyInterrupted, type Allowance, type BoxPort } from '@foyer/provisioning';
import { readRoster } from '@foyer/roster';
import { FoyerError, type BatchForecast } from '@foyer/shared';
import { invalidRequest } from '../access/validation.ts';
import { Shutdown } from '../http/shutdown.ts';
import { BOX, BULK_ALLOWANCE, CONFIG } from '../context.ts';
import { Body, formatOf } from './body.ts';

/** Forecasts what a file of people would change, without changing anything. */
@Injectable()
export class BatchForecaster {
  constructor(
    private readonly store: PostgresForecastStore,
    private readonly boxApp: TenantBoxApp,
    private readonly shutdown: Shutdown,
    @Inject(BOX) private readonly box: BoxPort,
    @Inject(BULK_ALLOWANCE) private readonly allowance: Allowance,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * Throws `unsupported_media_type`, `invalid_request` when no line of the body is usable, `box_app_changed` while
   * provisioning is suspended, `unavailable` when the gateway stops meanwhile, and Box's own error when its users
   * cannot be listed.
   */
  async foretell(req: IncomingMessage, gone: AbortSignal): Promise<BatchForecast> {
    const format = formatOf(req);
    if ((await this.boxApp.state()).differs) throw new FoyerError('box_app_changed');
    const { signal } = this.shutdown;
    const stopping = AbortSignal.any([signal, gone]);
    const entries = readRoster(new Body(req, stopping).chunks(), {
      format,
      issuer: this.config.OKTA_ISSUER_URI,
    });
    const { store, box, allowance } = this;
    const told = await forecast(entries, { store, box, allowance, stopping }).catch((error: unknown) => {
      throw error instanceof VerifyInterrupted ? toFoyerError(error) : error;
    });
    // A forecast of half a file would be wrong, so a shutdown ends in an error.
    if (signal.aborted)
      throw new FoyerError('unavailable', 'The gateway is stopping. Send the same body again.');
    if (told.kind === 'unusable') throw invalidRequest([{ field: told.field, message: told.why }]);
    return told.forecast;
  }
}

function toFoyerError({ fault }: VerifyInterrupted): FoyerError {
  if (fault === null)
    return new FoyerError('unavailable', 'The gateway is stopping. Send the same body again.');
  const { code, detail, retryAfterMs } = fault;
  return new FoyerError(code, detail, { retryAfterMs });
}
