import { readArguments } from './arguments.ts';
import { gaps, listedBoundaries } from './boundaries/list.ts';
import { Coverage } from './coverage.ts';
import { openHouse, type OpenHouse } from './house.ts';
import { runSchedule } from './schedule.ts';
import { describe as describeStatement } from './boundaries/sql.ts';

/**
 * The boundary for the kill. It is fixed, so that a change of the listed boundaries does not change the schedules of
 * the seeds.
 */
const aims = [
  'http POST /2.0/users after',
  'http PUT /2.0/users/:id after',
  'http POST /2.0/group_memberships after',
  'http POST /2.0/groups after',
  'port store.saveAccount before',
  'port store.finish before',
  'port store.memberRemoved before',
  'sql scim.users.update: update identity, insert provisioning_request, insert request_event, update scim_group after',
  'sql sealer.round: commit before',
  'sql intake.admit: insert identity, insert directory, insert identity_link, insert provisioning_request, insert request_event, insert idempotency_key after',
];
const SCHEDULES = aims.length;

describe('the simulation', () => {
  let house: OpenHouse;
  let listed: string[];
  beforeAll(async () => {
    // A server of its own: how far the audit log can be sealed depends on all transactions of a server.
    house = await openHouse();
    listed = await listedBoundaries();
  });
  afterAll(() => house?.close());

  it(`keeps every promise in ${SCHEDULES} schedules, at boundaries that are all listed`, async () => {
    const coverage = new Coverage();
    const broken: Record<number, readonly string[]> = {};
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      const { violations } = await runSchedule(house, seed, { listed: aims, coverage });
      if (violations.length > 0) broken[seed] = violations;
    }
    expect(broken).toEqual({});
    expect(gaps(listed, coverage).unlisted).toEqual([]);
    expect(coverage.faults.get('kill')).toBeGreaterThan(SCHEDULES / 2);
  }, 600_000);

  it('does the same for the same seed', async () => {
    const once = await runSchedule(house, 7, { listed: aims, coverage: new Coverage() });
    const again = await runSchedule(house, 7, { listed: aims, coverage: new Coverage() });
    expect(again.trace).toEqual(once.trace);
    const other = await runSchedule(house, 8, { listed: aims, coverage: new Coverage() });
    expect(other.trace).not.toEqual(once.trace);
  });
});

describe('the label of a statement', () => {
  it.each([
    ['BEGIN', 'begin'],
    ['SELECT "public"."tenant"."id" FROM "public"."tenant" WHERE 1=1', 'select tenant'],
    ['SELECT id FROM identity WHERE id = $1 FOR UPDATE', 'select identity'],
    ['INSERT INTO identity AS i (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1', 'insert identity'],
    [
      'WITH f AS (UPDATE identity SET a = 1) INSERT INTO api_call (b) SELECT 1',
      'update identity, insert api_call',
    ],
  ])('%s', (text, name) => expect(describeStatement(text)).toBe(name));
});

describe('the arguments', () => {
  it('are 100 schedules from a random seed by default', () => {
    expect(readArguments([])).toMatchObject({ seed: null, from: null, schedules: 100, update: false });
  });

  it('accept a seed to replay, or a number of schedules and a first seed', () => {
    expect(readArguments(['--seed', '42'])).toMatchObject({ seed: 42 });
    expect(readArguments(['--schedules', '2000', '--from', '1'])).toMatchObject({ schedules: 2000, from: 1 });
  });

  it.each([
    [['--seed', 'x'], '--seed is "x", but must be a whole number'],
    [['--seed', '-1'], '--seed'],
    [['--schedules', '0'], '--schedules is "0"'],
    [['--schedules', '1e3'], '--schedules is "1e3"'],
    [['--seed', '1', '--schedules', '2'], '--seed replays one schedule'],
    [['--what'], '--what'],
    [['7'], '7'],
  ])('refuse %j with one sentence', (args, words) => {
    expect(() => readArguments(args)).toThrow(words);
  });
});
