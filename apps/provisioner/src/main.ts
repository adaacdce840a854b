import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { onShutdown, readProvisionerConfig, runApp } from '@foyer/platform';
import { AppModule } from './app.module.ts';
import { openParts } from './parts.ts';
import { Relay } from './relay/relay.ts';
import { Worker } from './worker/worker.ts';

/** A stop takes no longer than this, the last turn included; docker compose allows it 30 s. */
const STOP_LIMIT_MS = 25_000;

await runApp(
  async () => {
    const config = readProvisionerConfig();
    const parts = await openParts(config);
    const { logger, queue, box, database } = parts;
    const relay = new Relay(parts.relayStore, queue, logger, config.RELAY_INTERVAL_MS);
    const worker = new Worker(parts);
    const app = await NestFactory.create<NestExpressApplication>(AppModule.of(parts), {
      logger: false,
      abortOnError: false,
    });
    onShutdown(
      logger,
      [
        ['worker', () => worker.stop()],
        ['relay', () => relay.stop()],
        ['http', () => app.close()],
        ['queue', () => queue.close()],
        ['box', () => box.close()],
        ['database', () => database.close()],
      ],
      STOP_LIMIT_MS,
    );
    await app.listen(config.PROVISIONER_PORT, config.PROVISIONER_HOST);
    await worker.start();
    relay.start();
    logger.info({ event: 'listening', url: await app.getUrl() });
  },
  (message) => process.stderr.write(`provisioner: ${message}\n`),
);
