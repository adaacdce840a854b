import '@foyer/platform/require-node';
import { onShutdown, readGatewayConfig, runApp, whenReachable, type Closer } from '@foyer/platform';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApp } from './app.ts';
import { addTasks } from './background.ts';
import { limitServer } from './http/slow-clients.ts';
import { closers, openContext } from './context.ts';

await runApp(
  async () => {
    const config = readGatewayConfig();
    const context = await openContext(config);
    const app = await createApp(context);
    addTasks(context, app);
    // Requests that take long to finish leave the tasks their time.
    const working: Closer[] = [['http', () => stopServing(app)], context.tasks.closer()];
    onShutdown(context.logger, [working, ...closers(context)]);
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
