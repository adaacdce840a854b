import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { boxAppProblem, migrationReadiness } from '@foyer/persistence';
import { boxCredentialsWarning, checkReadiness, NotReady, toPlainError } from '@foyer/platform';
import type { ServerResponse } from 'node:http';
import { CONTEXT, type ProvisionerContext } from '../context.ts';

const CHECK_TIMEOUT_MS = 2_000;

@Controller()
export class HealthController {
  constructor(@Inject(CONTEXT) private readonly context: ProvisionerContext) {
    const { metrics, tasks } = context;
    const { queue, putOff, relayStore, boxApp, box } = context.tenant;
    tasks.measure(metrics);
    metrics.collect(async () => metrics.boxCredentialsRefused.set(box.credentialsProblem()?.seconds ?? 0));
    metrics.collect(async () => metrics.boxAppDiffers.set((await boxApp.state()).differs ? 1 : 0));
    metrics.collect(async () => {
      metrics.setQueueDepth(await putOff.depthWith(queue));
    });
    metrics.collect(async () => {
      metrics.requestsOpen.reset();
      metrics.oldestRequest.reset();
      for (const { status, count, oldestSeconds } of await relayStore.backlog()) {
        metrics.requestsOpen.set({ status }, count);
        metrics.oldestRequest.set({ status }, oldestSeconds);
      }
    });
  }

  @Get('healthz')
  @Header('cache-control', 'no-store')
  alive(): { alive: true } {
    return { alive: true };
  }

  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) response: ServerResponse) {
    const { database, logger, tasks, tenant } = this.context;
    const { queue, boxApp, box } = tenant;
    const readiness = await checkReadiness(
      {
        database: () => database.ping(CHECK_TIMEOUT_MS),
        migrations: async () => {
          const { problem, warning } = await migrationReadiness(database.pool);
          if (problem !== null) throw new NotReady(problem);
          if (warning !== null) return { warning };
        },
        queue: () => queue.ping(CHECK_TIMEOUT_MS),
        box: async () => boxCredentialsWarning(box.credentialsProblem()),
        'box-app': async () => {
          const problem = boxAppProblem(await boxApp.state());
          if (problem !== null) throw new NotReady(problem);
        },
      },
      (part, error) => logger.warn({ event: 'not-ready', part, err: toPlainError(error) }),
    );
    response.statusCode = readiness.ready ? 200 : 503;
    return tasks.warnIn(readiness);
  }

  @Get('metrics')
  async metricsPage(@Res() response: ServerResponse): Promise<void> {
    response.setHeader('content-type', this.context.metrics.registry.contentType);
    response.end(await this.context.metrics.page());
  }
}
