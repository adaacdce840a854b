import { Inject, Injectable } from '@nestjs/common';
import { Metrics } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import type { Request } from 'express';
import { CONFIG, LOGGER, type ProcessContext } from '../context.ts';
import { ShedReport } from './shed.ts';
import { Places, Rate } from './tally.ts';

/** A machine or a person, as the limits count them. */
export interface CountedCaller {
  readonly kind: 'machine' | 'session';
  /** A client id, or an identity's id. */
  readonly id: string;
}

const RETRY_AFTER_MS = 1_000;

/** Each list of a person's files is one call to Box; this many may run at once, whatever the rate limit allows. */
const FILES_AT_ONCE = 2;

/** Limits what one principal may do at one gateway: calls per minute, and calls at once. */
@Injectable()
export class PrincipalLimit {
  private readonly places: Places;
  private readonly rates: Readonly<Record<CountedCaller['kind'], Rate>>;
  private readonly filesPlaces = new Places(FILES_AT_ONCE);
  private readonly filesRate: Rate;
  private readonly shed: ShedReport;

  constructor(
    @Inject(CONFIG) config: ProcessContext['config'],
    @Inject(LOGGER) logger: ProcessContext['logger'],
    metrics: Metrics,
  ) {
    this.places = new Places(config.REQUESTS_AT_ONCE_PER_CALLER);
    this.rates = {
      machine: new Rate(config.API_LIMIT_PER_MINUTE),
      session: new Rate(config.PERSON_LIMIT_PER_MINUTE),
    };
    this.filesRate = new Rate(config.FILES_LIMIT_PER_MINUTE);
    this.shed = new ShedReport(logger, metrics);
  }

  /** Counts a call, and takes a place until its response is sent. Throws `too_many_requests`. */
  admit(req: Request, { kind, id }: CountedCaller): void {
    const waitMs = this.rates[kind].take(id);
    if (waitMs > 0) throw this.refuse('rate', 'You sent too many calls within a minute.', waitMs);
    if (req.place?.take(this.places, `${kind} ${id}`) === false)
      throw this.refuse('principal', 'Too many of your calls are running at the same time.', RETRY_AFTER_MS);
  }

  /**
   * Runs `work`, which lists a person's files in Box. Throws `too_many_requests`, because all people share Box's limit.
   */
  async withFiles<T>(identityId: string, work: () => Promise<T>): Promise<T> {
    const leave = this.filesPlaces.take(identityId);
    if (leave === null)
      throw this.refuse('files', 'Another call of yours for files is still running.', RETRY_AFTER_MS);
    try {
      const waitMs = this.filesRate.take(identityId);
      if (waitMs > 0) throw this.refuse('files', 'You requested files too often.', waitMs);
      return await work();
    } finally {
      leave();
    }
  }

  private refuse(reason: 'rate' | 'principal' | 'files', detail: string, retryAfterMs: number): FoyerError {
    this.shed.note(reason);
    return new FoyerError('too_many_requests', detail, { retryAfterMs });
  }
}
