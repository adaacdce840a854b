import '@foyer/platform/require-node';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  heartbeatTask,
  onShutdown,
  readProvisionerConfig,
  runApp,
  toPlainError,
  whenReachable,
} from '@foyer/platform';
import type { Outbox } from '@foyer/provisioning';
import { AppModule } from './app.module.ts';
import { BoxAppWatch } from './box-app/box-app-watch.ts';
import { Sealing } from './audit/sealing.ts';
import { openContext } from './context.ts';
import { Relay } from './relay/relay.ts';
import { Worker } from './worker/worker.ts';

await runApp(
  async () => {
    const config = readProvisionerConfig();
    const context = await openContext(config);
    const { logger, metrics, tasks, database, tenant } = context;
    const { queue, box, relayStore } = tenant;
    const sealing = new Sealing(tenant.sealer, logger, {
      ...{ tenant: config.FOYER_TENANT, intervalMs: config.SEAL_INTERVAL_MS },
      onHead: (seq) => metrics.auditHead.set(seq),
    });
    const worker = new Worker(context);
    const boxApp = new BoxAppWatch(tenant.boxApp, logger, {
      work: () => worker.start(),
      rest: () => worker.pause(),
    });
    const due: Outbox['due'] = async (...asked) => (boxApp.isHeld ? [] : relayStore.due(...asked));
    const relayQueue = {
      add: (...added: Parameters<typeof queue.add>) => queue.add(...added),
      depth: () => tenant.putOff.depthWith(queue),
      ping: (timeoutMs: number) => queue.ping(timeoutMs),
    };
    const relay = new Relay({ due }, relayQueue, worker.direct, logger, config.RELAY_INTERVAL_MS);
    const heartbeat = heartbeatTask(tenant.heartbeat, (error) =>
      logger.warn({ event: 'heartbeat-failed', err: toPlainError(error) }),
    );
    for (const task of [heartbeat, sealing.task, relay.task, worker.task, boxApp.task]) tasks.add(task);
    const app = await NestFactory.create<NestExpressApplication>(AppModule.of(context), {
      logger: false,
      abortOnError: false,
    });
    onShutdown(logger, [
      tasks.closer(),
      ['http', () => app.close()],
      ['queue', () => queue.close()],
      ['box', () => box.close()],
      ['database', () => database.close()],
    ]);
    await app.listen(config.PROVISIONER_PORT, config.PROVISIONER_HOST);
    await whenReachable(logger, 'database', () => tasks.start());
    logger.info({ event: 'listening', url: await app.getUrl() });
  },
  (message) => process.stderr.write(`provisioner: ${message}\n`),
);
