import { ConfigError, readOktaTwinConfig } from './config.ts';
import { startOktaTwin } from './server.ts';

/** Starts the twin from the environment, reports its address in one line of JSON, and ends cleanly on a signal. */
async function main(): Promise<void> {
  const config = readOktaTwinConfig();
  const twin = await startOktaTwin(config);
  let closing = false;
  const stop = (): void => {
    if (closing) return;
    closing = true;
    void twin.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(JSON.stringify({ twin: 'okta', url: twin.url, issuer: twin.issuer }));
}

/** Why the twin could not start, in words for the person who started it. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'EADDRINUSE')
      return `the port is taken (${error.message}); set OKTA_TWIN_PORT to a free one`;
    return `cannot listen (${error.message}); see OKTA_TWIN_HOST and OKTA_TWIN_PORT`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().catch((error: unknown) => {
  console.error(`okta twin: ${explain(error)}`);
  process.exitCode = 1;
});
