import { randomUUID } from 'node:crypto';
import { Dice } from '../dice.ts';
import type { LogLine, Part } from '../stack/process.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { boxFaults, deedsFor, pause } from './deeds.harness.ts';
import { Outside } from './outside.harness.ts';
import { brokenPromises, createsIn, externalIdOf } from './promise.harness.ts';
import { seedOf } from './seed.harness.ts';
import { until } from '@foyer/testing';

/** Time limits short enough to see a dead worker replaced: leases of 2 s, Box calls of 1 s. */
const quick = {
  BOX_TIMEOUT_MS: '1000',
  LEASE_SECONDS: '2',
  STALLED_INTERVAL_MS: '1000',
  RELAY_INTERVAL_MS: '200',
  RELAY_GRACE_MS: '1000',
  RETRY_BASE_MS: '100',
  RETRY_MAX_MS: '1000',
};

const someone = (what: string): string => `00u-${what}-${randomUUID().slice(0, 8)}`;

/** Real processes under real signals and real crashes of their servers; for one back end of the queue. */
export function describeKills(
  backEnd: string,
  options: { redis: boolean },
  only: { loseQueue: (stack: Stack, outside: Outside) => Promise<void> },
): void {
  let stack: Stack;
  let outside: Outside;
  const log: LogLine[] = [];

  beforeAll(async () => {
    stack = await startStack({
      redis: options.redis,
      provisioners: 3,
      env: { gateway: { SIGN_IN_LIMIT_PER_MINUTE: '100000' }, provisioner: quick },
      log: (line) => log.push(line),
    });
    outside = new Outside(stack);
  });
  afterAll(async () => {
    // A stopped process would not receive the request to end.
    await Promise.all(stack?.parts.provisioners.map((part) => part.kill('SIGCONT')) ?? []);
    await stack?.stop();
  });
  afterEach(async () => {
    await stack.box.clearFaults();
    await stack.box.settings({ latencyMs: 0 });
  });

  const usersOf = async (subject: string) =>
    (await stack.box.state()).users.filter(({ externalId }) => externalId === subject);
  const createsOf = async (subject: string) =>
    createsIn(await stack.box.calls()).filter((call) => externalIdOf(call) === subject);
  /**
   * How many turns of a provisioner ended without a result: because its lease was lost, or because it closed a connection
   * to PostgreSQL that had been silent while the process was suspended.
   */
  const turnsLost = (part: Part) =>
    log.filter(
      ({ part: name, line }) =>
        name === part.name && /"event":"(lease-lost|converge-threw|direct-run-failed)"/.test(line),
    ).length;

  /** Runs `work` while only the first provisioner is up, then starts the others again. */
  const alone = async (work: () => Promise<void>): Promise<void> => {
    const [, ...others] = stack.parts.provisioners;
    await Promise.all(others.map((part) => part.stop()));
    await work();
    await Promise.all(others.map((part) => part.start()));
  };
  /** What must not change after all requests about a person have ended. */
  const recordOf = (subject: string) =>
    outside.query(
      `SELECT r.status, r.outcome, r.version, a.box_user_id, a.name, a.updated_at, i.lease_token,
         (SELECT count(*)::int FROM request_event e WHERE e.request_id = r.id) AS events
       FROM provisioning_request r JOIN identity i ON i.id = r.identity_id
       LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.subject = $1 ORDER BY r.created_at, r.id`,
      [subject],
    );
  /**
   * Stops the first provisioner with its intent recorded and nothing sent. Returns a function that continues it once
   * its lease has expired, and waits until its turn has ended.
   */
  const sleepAfterIntent = async (operation: string, subject: string, push: () => Promise<unknown>) => {
    const [first] = stack.parts.provisioners;
    const lost = turnsLost(first!);
    let wake = async (): Promise<void> => undefined;
    await alone(async () => {
      // Another person comes first, so that the next intent is not the one of a token call.
      await outside.push(someone('first'));
      await outside.allFinal();
      const blocked = await outside.blockIntents();
      try {
        await push();
        await until('the intent waits', async () => ((await blocked.waiting()) === 1 ? true : null));
        await first!.kill('SIGSTOP');
      } finally {
        await blocked.release();
      }
      await until('the intent is on record', async () => {
        const found = await outside.query(
          `SELECT 1 FROM api_call c JOIN identity i ON i.id = c.identity_id
           LEFT JOIN api_call_outcome o ON o.call_id = c.id
           WHERE i.subject = $1 AND c.operation = $2 AND o.call_id IS NULL`,
          [subject, operation],
        );
        return found.length === 1 ? true : null;
      });
      wake = await pause(first!, outside);
    });
    return async () => {
      await wake();
      await until('its turn ends', async () => (turnsLost(first!) > lost ? true : null));
    };
  };

  describe(`real kills, queue on ${backEnd}`, () => {
    it("lets a worker that was suspended past its lease, after Box's answer, write nothing", async () => {
      const [first] = stack.parts.provisioners;
      let subject = '';
      let wake = async (): Promise<void> => undefined;
      /** Stops it between Box's response and its own next action; false when it was faster. */
      const putToSleep = async (): Promise<boolean> => {
        subject = someone('slept');
        let isAsleep = false;
        await stack.box.fault({
          kind: 'slowAfter',
          delayMs: 500,
          match: { method: 'POST', externalId: subject },
        });
        await alone(async () => {
          await outside.push(subject);
          await until('Box has committed', async () => ((await usersOf(subject)).length === 1 ? true : null));
          wake = await pause(first!, outside);
          isAsleep = (await recordOf(subject))[0]?.status === 'running';
        });
        return isAsleep;
      };
      while (!(await putToSleep())) await wake();
      await outside.allFinal();
      const lost = turnsLost(first!);
      const before = await recordOf(subject);
      expect(before).toMatchObject([{ status: 'succeeded', outcome: 'created' }]);
      await wake();
      await until('its turn ends', async () => (turnsLost(first!) > lost ? true : null));
      expect(await recordOf(subject)).toEqual(before);
      expect(await createsOf(subject)).toHaveLength(1);
      expect(await brokenPromises(stack, outside)).toEqual([]);
    });

    it('sends nothing when a worker resumes between its intent and the call, after its lease expired', async () => {
      const newcomer = someone('intent');
      const wakeCreator = await sleepAfterIntent('create_user', newcomer, () =>
        outside.pushPastTheApi(newcomer, 'First Name'),
      );
      await outside.allFinal();
      const renamed = someone('renamed');
      await outside.push(renamed, 'First Name');
      await outside.allFinal();
      const created = await recordOf(newcomer);
      await wakeCreator();
      expect(await recordOf(newcomer)).toEqual(created);
      expect(await createsOf(newcomer)).toHaveLength(1);

      const wakeRenamer = await sleepAfterIntent('update_user', renamed, () =>
        outside.pushPastTheApi(renamed, 'Second Name'),
      );
      await outside.push(renamed, 'Third Name');
      await outside.allFinal();
      const third = await recordOf(renamed);
      await wakeRenamer();
      expect(await recordOf(renamed)).toEqual(third);
      expect(await usersOf(renamed)).toMatchObject([{ name: 'Third Name' }]);
      expect(await brokenPromises(stack, outside)).toEqual([]);
    });

    it('greets each person whose sign-in was interrupted by a kill of the gateway, once', async () => {
      const people = await Promise.all(
        Array.from({ length: 12 }, (_, n) => outside.newPerson(`Cut Off ${n}`)),
      );
      await stack.box.settings({ latencyMs: 200 });
      await stack.box.clearCalls();
      const welcomes = Promise.all(people.map((person) => outside.signIn(person)));
      await until('Box is at it', async () => (createsIn(await stack.box.calls()).length > 2 ? true : null));
      await stack.parts.gateway!.restart('SIGKILL');
      const boxUserIds = await welcomes;
      await outside.allFinal();
      expect(new Set(boxUserIds).size).toBe(people.length);
      expect(await brokenPromises(stack, outside)).toEqual([]);
    });

    it('gives each of many new people one Box user, whichever processes are killed', async () => {
      const seed = seedOf(`real kills, queue on ${backEnd}`);
      const dice = new Dice(seed);
      const deeds = dice.shuffled(deedsFor(stack, outside, dice, () => only.loseQueue(stack, outside)));
      await stack.box.settings({ latencyMs: 30 });
      const crowd: Promise<unknown>[] = [];
      let settled = 0;
      const join = (arrival: Promise<unknown>) => {
        // The failure is handled below, where all of them are awaited.
        arrival.catch(() => undefined).finally(() => (settled += 1));
        crowd.push(arrival);
      };
      for (const [n, { run }] of deeds.entries()) {
        const fault = dice.pick(boxFaults);
        await stack.box.fault({ ...fault, match: { method: 'POST', path: '/2.0/users' } });
        for (let k = 0; k < 4; k++) join(outside.push(someone(`crowd-${n}-${k}`)));
        join(outside.newPerson(`Crowd ${n}`).then((person) => outside.signIn(person)));
        const seen = (await stack.box.calls()).length + dice.between(1, 6);
        await until('Box has seen some of it', async () =>
          settled === crowd.length || (await stack.box.calls()).length >= seen ? true : null,
        );
        await run();
      }
      await Promise.all(crowd);
      await outside.allFinal();
      const told = { seed, deeds: deeds.map(({ name }) => name) };
      expect({ ...told, broken: await brokenPromises(stack, outside) }).toEqual({ ...told, broken: [] });
    });
  });
}
