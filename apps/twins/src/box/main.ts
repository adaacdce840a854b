import { ConfigError, readConfig } from './config.ts';
import { startBoxTwin } from './http/server.ts';

async function main(): Promise<void> {
  const twin = await startBoxTwin(readConfig());
  process.stdout.write(`${JSON.stringify({ twin: 'box', url: twin.url })}\n`);
  const stop = (): void => {
    void twin.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  const known = error instanceof ConfigError;
  const what =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`box twin: ${what}\n`);
  process.exit(1);
});
