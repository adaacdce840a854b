import { migrate } from '@foyer/persistence';
import { type AppName, appPart, untilReady } from './apps.ts';
import { freePorts, requirePorts } from './ports.ts';
import { StackProblem } from '../problem.ts';
import { type Part } from './process.ts';
import {
  boxEnvironment,
  gatewayEnvironment,
  oktaEnvironment,
  provisionerEnvironment,
  type Ports,
  type Wiring,
} from './settings.ts';
import {
  forgetFormerBox,
  openDatabase,
  openRedis,
  sessionSecret,
  writeOperatorEnvironment,
  type Stops,
} from './stack-data.ts';
import { type StackOptions } from './stack-options.ts';
import { BoxControl, OktaControl } from './twins.ts';

export { type StackOptions } from './stack-options.ts';

export interface Stack {
  readonly urls: { gateway: string; okta: string; box: string; provisioners: string[] };
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly okta: OktaControl;
  readonly box: BoxControl;
  /** The processes, to kill, restart or stop one by one; undefined for those not started here. */
  readonly parts: {
    postgres?: Part;
    redis?: Part;
    okta?: Part;
    box?: Part;
    gateway?: Part;
    provisioners: Part[];
  };
  /** Ends everything, apps first and the databases last, and deletes what is temporary. */
  stop(): Promise<void>;
}

const ALL: readonly AppName[] = ['okta', 'box', 'gateway', 'provisioner'];

/**
 * Starts what is asked for, each app as a process of its own, and waits until all of it is ready. When one part fails,
 * the started ones are stopped again.
 * @throws StackProblem naming what failed and what to do
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const stops: Stops = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= runBackwards(stops));
  try {
    return await boot(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

const urlsOf = (ports: Ports): Stack['urls'] => ({
  gateway: `http://localhost:${ports.gateway}`,
  okta: `http://127.0.0.1:${ports.okta}`,
  box: `http://127.0.0.1:${ports.box}`,
  provisioners: ports.provisioners.map((port) => `http://127.0.0.1:${port}`),
});

async function boot(options: StackOptions, stops: Stops, stop: () => Promise<void>): Promise<Stack> {
  const wanted = options.parts ?? ALL;
  const onProgress = options.onProgress ?? (() => undefined);
  const count = wanted.includes('provisioner') ? (options.provisioners ?? 1) : 0;
  const ports = await choosePorts(options, count);

  const apps = new Apps(options, stops);
  onProgress('starting the twins and PostgreSQL');
  const twins = allOrFirstProblem([
    wanted.includes('okta') ? apps.start('okta', oktaEnvironment(ports)) : undefined,
    wanted.includes('box') ? apps.start('box', boxEnvironment(ports)) : undefined,
  ]);
  // The failure is handled below; a database that fails first ends the twins as well.
  twins.catch(() => undefined);
  const { databaseUrl, server } = await openDatabase(options, stops, onProgress);
  onProgress('applying migrations');
  await migrate({ databaseUrl, onProgress });
  const redis = await openRedis(options, stops, onProgress);
  const wiring: Wiring = {
    ports,
    databaseUrl,
    redisUrl: typeof options.redis === 'string' ? options.redis : redis?.url,
    sessionSecret: await sessionSecret(options.dataDir),
  };
  const [okta, box] = await twins;
  if (options.dataDir !== undefined)
    await prepareKept(options.dataDir, wiring, box !== undefined, onProgress);
  onProgress('starting the gateway and the provisioner');
  const [gateway, ...provisioners] = await allOrFirstProblem([
    wanted.includes('gateway')
      ? apps.start('gateway', gatewayEnvironment(wiring), `${ports.gateway}`)
      : undefined,
    ...ports.provisioners.map((port, at) =>
      apps.start(
        'provisioner',
        provisionerEnvironment(wiring, port),
        `${port}`,
        count > 1 ? at + 1 : undefined,
      ),
    ),
  ]);
  return {
    urls: urlsOf(ports),
    databaseUrl,
    redisUrl: wiring.redisUrl,
    okta: new OktaControl(`http://127.0.0.1:${ports.okta}`),
    box: new BoxControl(`http://127.0.0.1:${ports.box}`),
    parts: {
      postgres: server?.part,
      redis: redis?.part,
      okta,
      box,
      gateway,
      provisioners: provisioners.filter((part) => part !== undefined),
    },
    stop,
  };
}

/** For kept data: writes the operators' settings, and clears what points to an earlier Box twin. */
async function prepareKept(
  dataDir: string,
  wiring: Wiring,
  hasBoxTwin: boolean,
  onProgress: (line: string) => void,
): Promise<void> {
  await writeOperatorEnvironment(dataDir, wiring);
  if (hasBoxTwin) await forgetFormerBox(wiring.databaseUrl, onProgress);
}

/** Starts apps, and makes sure that each is stopped at the end and that its death is reported. */
class Apps {
  readonly #options: StackOptions;
  readonly #stops: Stops;

  constructor(options: StackOptions, stops: Stops) {
    this.#options = options;
    this.#stops = stops;
  }

  /** @param readyPort the port whose /readyz is polled; when absent, its own line is enough */
  async start(app: AppName, env: Record<string, string>, readyPort?: string, number?: number): Promise<Part> {
    const { log, onDeath, env: overrides, stopWithinMs = 15_000 } = this.#options;
    const part = appPart(app, { ...env, ...overrides?.[app] }, { log, number });
    this.#stops.push(() => part.stop(stopWithinMs));
    if (onDeath) part.onDeath(onDeath);
    await part.start();
    if (readyPort !== undefined) await untilReady(part, `http://127.0.0.1:${readyPort}`);
    return part;
  }
}

async function choosePorts(options: StackOptions, provisioners: number): Promise<Ports> {
  if (typeof options.ports === 'number') {
    const first = options.ports;
    const numbers = Array.from({ length: provisioners }, (_, at) => first + 1 + at);
    const ports = { gateway: first, okta: first + 1_400, box: first + 1_500, provisioners: numbers };
    await requirePorts({
      gateway: ports.gateway,
      'Okta twin': ports.okta,
      'Box twin': ports.box,
      ...Object.fromEntries(numbers.map((port) => [`provisioner on ${port}`, port])),
    });
    return ports;
  }
  const [gateway = 0, okta = 0, box = 0, ...rest] = await freePorts(3 + provisioners);
  return { gateway, okta, box, provisioners: rest };
}

/** Waits for all, so that nothing is still starting when a failure is reported. */
async function allOrFirstProblem<T>(
  starting: readonly (Promise<T> | undefined)[],
): Promise<(T | undefined)[]> {
  const results = await Promise.allSettled(starting.map((part) => part ?? Promise.resolve(undefined)));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Each part ends before the parts that it needs: apps, twins, then the databases. */
async function runBackwards(stops: Stops): Promise<void> {
  const problems: unknown[] = [];
  for (const step of stops.splice(0).reverse())
    await step().catch((problem: unknown) => problems.push(problem));
  if (problems.length > 0)
    throw new StackProblem(`stopping failed: ${problems.map(String).join('; ')}`, 'see above');
}
