import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;
let directory: string;

beforeAll(async () => {
  world = await OperatorWorld.start();
  directory = await mkdtemp(join(tmpdir(), 'foyer-import-'));
});
afterAll(async () => {
  await world.stop();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  tenant = await world.tenant();
});

const person = (at: number, name = `Person ${at}`) => ({
  subject: `00u${at}`,
  username: `p${at}@example.com`,
  name,
});
const lines = (people: readonly object[]) => people.map((one) => `${JSON.stringify(one)}\n`).join('');
async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}
async function* stream(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
const boxUsers = async () => {
  const { users } = (await world.box('GET', 'state')) as {
    users: { name: string; externalId: string | null }[];
  };
  return users.filter(({ externalId }) => externalId !== null);
};
const batchOf = async () => {
  const [batch] = await tenant.sql<{ id: string; lines: number; actor: string }>(
    'SELECT id, lines, actor FROM provisioning_batch WHERE tenant_id = $1 ORDER BY created_at DESC',
    [tenant.tenantId],
  );
  return batch!;
};

describe('import', () => {
  it('provisions all people of a file, and then finds nothing to do', async () => {
    const path = await file(
      'people.csv',
      `subject,username,name\n00u1,a@example.com,Ada\n00u2,b@example.com,Bob\n`,
    );
    const first = await tenant.workUntil(tenant.run('import', path));
    expect([first.status, first.out]).toEqual([0, '  2 lines\n  2 created\n']);
    expect(first.err).toContain('provisioning [########################] 100% 2/2');
    expect(first.err).toContain('accepted 2 lines');
    expect((await boxUsers()).map(({ name }) => name).sort()).toEqual(['Ada', 'Bob']);
    const second = await tenant.run('import', path);
    expect([second.status, second.out]).toEqual([0, '  2 lines\n  2 unchanged\n']);
    expect(
      await tenant.sql(`SELECT path FROM api_call WHERE tenant_id = $1 AND direction = 'in'`, [
        tenant.tenantId,
      ]),
    ).toEqual([{ path: 'import' }, { path: 'import' }]);
    expect((await batchOf()).actor).toMatch(/^operator:/);
  });

  it('lists the lines and the people that failed', async () => {
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 403,
      match: { method: 'POST', path: '/2.0/users' },
    });
    const text = `${lines([person(1)])}{"subject":\n${lines([person(2)])}`;
    const { status, out } = await tenant.workUntil(
      tenant.runWith(
        { input: stream(text.slice(0, 30), text.slice(30)) },
        'import',
        '-',
        '--format',
        'jsonl',
      ),
    );
    expect(status).toBe(1);
    expect(out).toMatch(/ 3 lines\n +1 refused\n +1 failed\n +1 created\n/);
    // The database chooses which of the two gets the fault: the requests of a chunk have the same age.
    expect(out).toMatch(
      /^line [13] \(00u[12]\): box_forbidden: Box answered 403.* \[request [0-9a-f-]{36}\]$/m,
    );
    expect(out).toMatch(/^line 2: invalid_request: line is not JSON$/m);
  });

  it('keeps the complete lines of a file that is cut off, and reports where it ends', async () => {
    const path = await file('cut.jsonl', lines([person(1), person(2)]).slice(0, -10));
    const { status, out } = await tenant.workUntil(tenant.run('import', path));
    expect([status, out]).toEqual([
      1,
      '  1 lines\n  1 created\nLine 2 and after: The data ended before this line was complete.\n',
    ]);
  });

  it('says after Ctrl-C that the processing continues, and how to follow it', async () => {
    const stopping = new AbortController();
    const running = tenant.runWith(
      { stopping: stopping.signal, input: stream(lines([person(1)])) },
      'import',
      '-',
      '--format',
      'jsonl',
    );
    while (
      (
        await tenant.sql(
          'SELECT 1 FROM provisioning_batch WHERE tenant_id = $1 AND received_at IS NOT NULL',
          [tenant.tenantId],
        )
      ).length === 0
    );
    stopping.abort();
    const { status, err } = await running;
    const { id } = await batchOf();
    expect([status, err]).toEqual([
      2,
      expect.stringContaining(
        `Its processing continues. To follow it again: npm run foyer -- import --follow ${id}`,
      ),
    ]);
    const looked = await tenant.workUntil(tenant.run('import', '--follow', id));
    expect([looked.status, looked.out]).toEqual([0, '  1 lines\n  1 created\n']);
  });

  it('stops reading at Ctrl-C, and reports the line', async () => {
    const stopping = new AbortController();
    async function* endless() {
      yield Buffer.from(lines([person(1)]));
      stopping.abort();
      await new Promise(() => undefined);
    }
    const { status, err } = await tenant.runWith(
      { stopping: stopping.signal, input: endless() },
      'import',
      '-',
      '--format',
      'jsonl',
    );
    expect([status, err]).toEqual([2, expect.stringContaining('Stopped before line 2. Batch ')]);
    expect((await batchOf()).lines).toBe(1);
  });

  it.each([
    ['a file that is not there', ['import', '/nowhere.csv'], /nowhere.csv cannot be read/],
    ['a folder', ['import', tmpdir(), '--format', 'csv'], /is not a file/],
    ['no file', ['import'], /takes one file/],
    ['an ending that says nothing', ['import', '/nowhere.txt'], /--format csv or --format jsonl/],
    ['another format', ['import', 'x.csv', '--format', 'xlsx'], /--format must be/],
    ['a file and --follow', ['import', 'x.csv', '--follow', 'y'], /not both/],
    ['an id that is none', ['import', '--follow', 'y'], /the id of a batch/],
    [
      'a batch that is not there',
      ['import', '--follow', '00000000-0000-4000-8000-000000000000'],
      /There is no batch/,
    ],
  ])('reports %s in one sentence', async (_, args, why) => {
    const { status, out, err } = await tenant.run(...args);
    expect([status, out, err]).toEqual([2, '', expect.stringMatching(why)]);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('accepts no person from an unusable file, for an unknown tenant, or without an issuer', async () => {
    const bad = await file('bad.csv', 'subject,phone\n00u1,1\n');
    const good = await file('good.jsonl', lines([person(1)]));
    expect((await tenant.run('import', bad)).err).toContain(
      'The file cannot be used: phone is not a known column',
    );
    expect((await tenant.run('import', await file('empty.csv', ''))).err).toContain('header is missing');
    expect((await tenant.run('import', good, '--tenant', 'nobody')).err).toContain(
      'There is no tenant "nobody"',
    );
    const { OKTA_ISSUER_URI: _issuer, ...environment } = tenant.environment;
    expect((await tenant.runWith({ environment }, 'import', good)).err).toContain(
      'OKTA_ISSUER_URI is missing',
    );
    expect(
      await tenant.sql('SELECT 1 FROM provisioning_batch WHERE tenant_id = $1', [tenant.tenantId]),
    ).toEqual([]);
  });
});

describe('import --dry-run', () => {
  /** A person in each state that a line may find, and the file that names them. */
  async function everybody(): Promise<string> {
    const { out } = await tenant.workUntil(
      tenant.runWith(
        { input: stream(lines([1, 2, 3, 4, 5].map((at) => person(at)))) },
        'import',
        '-',
        '--format',
        'jsonl',
      ),
    );
    expect(out).toContain('5 created');
    await world.box('POST', 'seed', {
      users: [
        { name: 'Person 6', externalId: '00u6' },
        { name: 'Another name', externalId: '00u7' },
      ],
    });
    await tenant.sql(`UPDATE identity SET active = false WHERE tenant_id = $1 AND subject = '00u3'`, [
      tenant.tenantId,
    ]);
    // A create of ours with an unknown result: the next attempt looks in Box first.
    await world.box('POST', 'faults', { kind: 'resetAfter', match: { method: 'POST', path: '/2.0/users' } });
    const lost = await tenant.admit('00u9');
    await tenant.work(lost.requestId);
    return lines([
      person(1),
      person(2, 'Other name'),
      person(3, 'Other name'),
      { ...person(4), username: 'new@example.com' },
      { subject: '00u5' },
      person(6),
      person(7),
      person(9, 'Person 00u9'),
      person(10),
      person(10),
    ]);
  }
  const tables = [
    'identity',
    'provisioning_request',
    'request_event',
    'box_account',
    'provisioning_batch',
    'provisioning_batch_line',
  ];
  const everything = async () => ({
    tables: await Promise.all(
      tables.map(async (table) => tenant.sql(`SELECT t::text FROM ${table} t ORDER BY 1`)),
    ),
    box: ((await world.box('GET', 'state')) as { users: unknown[] }).users,
  });
  const writes = async () =>
    ((await world.box('GET', 'calls')) as { calls: { method: string; path: string }[] }).calls.filter(
      ({ method, path }) => method !== 'GET' && path !== '/oauth2/token',
    ).length;
  const told = (out: string) =>
    out.split('\n').flatMap((line) => {
      const [, at, would] = /^line (\d+)(?: \([^)]*\))?: (\w+)/.exec(line) ?? [];
      return at === undefined ? [] : [[Number(at), would]];
    });

  it('predicts for each line what then happens, and writes nothing', async () => {
    const text = await everybody();
    const [before, written] = [await everything(), await writes()];
    const { status, out, err } = await tenant.runWith(
      { input: stream(text) },
      'import',
      '-',
      '--format',
      'jsonl',
      '--dry-run',
    );
    expect([status, err]).toEqual([1, expect.stringContaining('Nothing was done. 10 lines')]);
    expect(told(out)).toEqual([
      [1, 'unchanged'],
      [2, 'updated'],
      [3, 'refused'],
      [4, 'unchanged'],
      [5, 'refused'],
      [6, 'adopted'],
      [7, 'adopted'],
      [8, 'created'],
      [9, 'created'],
      [10, 'refused'],
    ]);
    expect([await everything(), await writes()]).toEqual([before, written]);

    const real = await tenant.workUntil(
      tenant.runWith({ input: stream(text) }, 'import', '-', '--format', 'jsonl'),
    );
    expect(real.status).toBe(1);
    const { id } = await batchOf();
    const outcomes = await tenant.sql<{ line: number; outcome: string }>(
      `SELECT l.line, coalesce(r.outcome, CASE WHEN r.id IS NULL THEN 'refused' ELSE 'failed' END) AS outcome
       FROM provisioning_batch_line l LEFT JOIN provisioning_request r ON r.id = l.request_id
       WHERE l.batch_id = $1 ORDER BY l.line`,
      [id],
    );
    const happened = new Map(outcomes.map(({ line, outcome }) => [line, outcome]));
    expect(told(out).map(([line]) => [line, happened.get(line as number) ?? 'unchanged'])).toEqual(told(out));
  });

  it('predicts who would fail, and why', async () => {
    await tenant.workUntil(
      tenant.runWith({ input: stream(lines([person(1)])) }, 'import', '-', '--format', 'jsonl'),
    );
    await tenant.people(1);
    await tenant.sql(
      `UPDATE box_account SET box_user_id = '999' WHERE tenant_id = $1 AND identity_id = (
         SELECT id FROM identity WHERE tenant_id = $1 AND subject = '00u1')`,
      [tenant.tenantId],
    );
    const text = lines([person(1, 'Renamed')]);
    const { out } = await tenant.runWith(
      { input: stream(text) },
      'import',
      '-',
      '--format',
      'jsonl',
      '--dry-run',
    );
    expect(out).toBe('line 1 (00u1): failed: box_user_missing: Box user 999 was deleted in Box.\n');
    const real = await tenant.workUntil(
      tenant.runWith({ input: stream(text) }, 'import', '-', '--format', 'jsonl'),
    );
    expect(real.out).toContain('box_user_missing: Box user 999 was deleted in Box.');
  });

  it('reads Box page by page, and not at all when all people are in step', async () => {
    await tenant.people(2500);
    await world.box('DELETE', 'calls');
    const listings = async () =>
      ((await world.box('GET', 'calls')) as { calls: { path: string }[] }).calls.filter(
        ({ path }) => path === '/2.0/users',
      ).length;
    const known = { subject: 'bulk-7', username: 'bulk-7@example.com', name: 'bulk-7' };
    const dry = (...people: object[]) =>
      tenant.runWith({ input: stream(lines(people)) }, 'import', '-', '--format', 'jsonl', '--dry-run');
    expect((await dry(known)).out).toBe('line 1 (bulk-7): unchanged\n');
    expect(await listings()).toBe(0);
    expect((await dry(known, person(1))).out).toContain('line 2 (00u1): created');
    expect(await listings()).toBe(3);
  });

  it('reports that Box cannot be read, or that the file cannot be used', async () => {
    const dry = (text: string) =>
      tenant.runWith({ input: stream(text) }, 'import', '-', '--format', 'jsonl', '--dry-run');
    expect((await dry('\n')).err).toContain('The file cannot be used: file has no person.');
    await world.box('POST', 'faults', { kind: 'status', status: 403, match: { path: '/2.0/users' } });
    expect(await dry(lines([person(1)]))).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringMatching(/Box could not be read: .*box_forbidden.*Nothing was done/) as string,
    });
  });
});
