import { BackgroundTasks, RepeatedTask } from './background/index.ts';
import { onShutdown } from './lifecycle.ts';
import { createLogger } from './logging.ts';

/**
 * A process with a background task. Its arguments are the two deadlines in milliseconds, and what hangs at the stop:
 * `task` another background task, `http` the server, `database` the connections.
 */
const [drainMs, limitMs, ...hanging] = process.argv.slice(2);
const hangsIn = (part: string) => hanging.includes(part);
const logger = createLogger('test', 'info');
const say = (event: string) => logger.info({ event });
const hangs = () => new Promise<void>(() => {});
const onError = () => undefined;

const tasks = new BackgroundTasks({ drainMs: Number(drainMs) });
tasks.add(
  new RepeatedTask({
    ...{ name: 'well', intervalMs: 1, onError },
    round: (stopping) =>
      new Promise((resolve) => stopping.addEventListener('abort', () => setImmediate(resolve))),
    atEnd: async () => void say('well drained'),
  }),
);
if (hangsIn('task')) tasks.add(new RepeatedTask({ name: 'stuck', intervalMs: 1, onError, round: hangs }));

onShutdown(
  logger,
  [
    [['http', hangsIn('http') ? hangs : async () => void say('http closed')], tasks.closer()],
    ['database', hangsIn('database') ? hangs : async () => void say('database closed')],
  ],
  Number(limitMs),
);
await tasks.start();
// Keeps the process running, as a server does.
setInterval(() => {}, 60_000);
say('ready');
