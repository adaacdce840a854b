import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import {
  boxAppProblem,
  migrationReadiness,
  ScimTokens,
  scimTokenProblem,
  TenantBoxApp,
} from '@foyer/persistence';
import { BackgroundTasks, boxCredentialsWarning, checkReadiness, Metrics, NotReady } from '@foyer/platform';
import type { Response } from 'express';
import { Shutdown } from '../http/shutdown.ts';
import { IssuerWatch } from '../okta/issuer-watch.ts';
import { BOX, DATABASE, LOGGER, QUEUE, type ProcessContext, type TenantContext } from '../context.ts';

const CHECK_TIMEOUT_MS = 2_000;

@Controller()
export class HealthController {
  constructor(
    private readonly metrics: Metrics,
    private readonly tasks: BackgroundTasks,
    private readonly shutdown: Shutdown,
    private readonly boxApp: TenantBoxApp,
    private readonly scimTokens: ScimTokens,
    private readonly issuers: IssuerWatch,
    @Inject(DATABASE) private readonly database: ProcessContext['database'],
    @Inject(QUEUE) private readonly queue: TenantContext['queue'],
    @Inject(LOGGER) private readonly logger: ProcessContext['logger'],
    @Inject(BOX) private readonly box: Pick<TenantContext['box'], 'credentialsProblem'>,
  ) {
    tasks.measure(metrics);
    metrics.collect(async () => metrics.boxCredentialsRefused.set(box.credentialsProblem()?.seconds ?? 0));
    metrics.collect(async () => metrics.boxAppDiffers.set((await boxApp.state()).differs ? 1 : 0));
    metrics.collect(async () => metrics.showScimTokens(await scimTokens.standing()));
    metrics.collect(async () => {
      metrics.setQueueDepth(await queue.depth());
    });
  }

  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) res: Response) {
    const { database, queue, shutdown, boxApp, scimTokens, issuers, box } = this;
    const readiness = await checkReadiness(
      {
        database: () => database.ping(CHECK_TIMEOUT_MS),
        migrations: async () => {
          const { problem, warning } = await migrationReadiness(database.pool);
          if (problem !== null) throw new NotReady(problem);
          if (warning !== null) return { warning };
        },
        queue: () => queue.ping(CHECK_TIMEOUT_MS),
        gateway: async () => shutdown.signal.throwIfAborted(),
        // A warning only: sign-in does not need Box, and its pages say what is wrong.
        box: async () => boxCredentialsWarning(box.credentialsProblem()),
        'box-app': async () => {
          const problem = boxAppProblem(await boxApp.state());
          if (problem !== null) throw new NotReady(problem);
        },
        'scim-tokens': async () => {
          const warning = scimTokenProblem(await scimTokens.standing());
          if (warning !== null) return { warning };
        },
        okta: async () => {
          if (issuers.problem !== null) return { warning: issuers.problem };
        },
      },
      (part, error) => this.logger.warn({ event: 'not-ready', part, err: error }),
      // Sign-ins work without the queue, and the relay enqueues their jobs later, so a failed queue does not make every
      // gateway unready. With another Box app, people who have an account can still sign in, and the others see why
      // they cannot.
      ['queue', 'box-app', 'scim-tokens'],
    );
    res.status(readiness.ready ? 200 : 503);
    return this.tasks.warnIn(readiness);
  }

  @Get('metrics')
  async page(@Res() res: Response): Promise<void> {
    res.setHeader('content-type', this.metrics.registry.contentType);
    res.end(await this.metrics.page());
  }
}
