import '@foyer/platform/require-node';
import { onShutdown, readGatewayConfig, runApp, whenReachable } from '@foyer/platform';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApp } from './app.ts';
import { addTasks } from './background.ts';
import { limitServer } from './http/slow-clients.ts';
import { closers, openContext } from './context.ts';

/** The longest shutdown, in milliseconds; docker compose allows 30 s. */
const STOP_LIMIT_MS = 25_000;

await runApp(
  async () => {
    const config = readGatewayConfig();
    const context = await openContext(config);
    const app = await createApp(context);
    addTasks(context, app);
    onShutdown(context.logger, [['http', () => stopServing(app)], ...closers(context)], STOP_LIMIT_MS);
    limitServer(app.getHttpServer());
    await app.listen(config.GATEWAY_PORT, config.GATEWAY_HOST);
    context.logger.info({ event: 'listening', url: await app.getUrl() });
    await whenReachable(context.logger, 'database', () => context.tasks.start());
  },
  (message) => process.stderr.write(`gateway: ${message}\n`),
);

/** Stops accepting connections and lets running requests finish. A connection that becomes idle meanwhile is closed. */
async function stopServing(app: NestExpressApplication): Promise<void> {
  const sweep = setInterval(() => app.getHttpServer().closeIdleConnections(), 50);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}
