import type { INestApplicationContext } from '@nestjs/common';
import { heartbeatTask, toPlainError } from '@foyer/platform';
import { IssuerWatch } from './okta/issuer-watch.ts';
import type { GatewayContext } from './context.ts';
import { boxAppReport, scimTokenReport } from './reports.ts';
import { Sessions } from './sessions/sessions.ts';

/** Adds what the gateway does by the clock to `tasks`, in the order in which it starts. The records of reads are there already. */
export function addTasks(
  { tasks, tenant, logger }: GatewayContext,
  app: Pick<INestApplicationContext, 'get'>,
): void {
  const all = [
    heartbeatTask(tenant.heartbeat, (error) =>
      logger.warn({ event: 'heartbeat-failed', err: toPlainError(error) }),
    ),
    boxAppReport(tenant.boxApp, logger),
    scimTokenReport(tenant.scimTokens, logger),
    app.get(Sessions, { strict: false }).sweep,
    // Last, because their first round may wait for Okta.
    ...app.get(IssuerWatch, { strict: false }).tasks,
  ];
  for (const task of all) tasks.add(task);
}
