import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorWorld, type TenantWorld } from '../operator.harness.ts';

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
  it('brings everybody of a file into step, and then finds nothing to do', async () => {
    const path = await file(
      'people.csv',
      `subject,username,name\n00u1,a@example.com,Ada\n00u2,b@example.com,Bob\n`,
    );
    const first = await tenant.workUntil(tenant.run('import', path));
    expect([first.status, first.out]).toEqual([0, '  2 lines\n  2 created\n']);
    expect(first.err).toContain('provisioning [########################] 100% 2/2');
    expect(first.err).toContain('2 lines are taken in');
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
    expect(out).toMatch(/^line 1 \(00u1\): box_forbidden: Box answered 403.* \[request [0-9a-f-]{36}\]$/m);
    expect(out).toMatch(/^line 2: invalid_request: line is not JSON$/m);
  });

  it('keeps the whole lines of a file that breaks off, and says where', async () => {
    const path = await file('cut.jsonl', lines([person(1), person(2)]).slice(0, -10));
    const { status, out } = await tenant.workUntil(tenant.run('import', path));
    expect([status, out]).toEqual([
      1,
      '  1 lines\n  1 created\nLine 2 and after: The data broke off before this line was whole.\n',
    ]);
  });

  it('says after Ctrl-C that the work goes on, and how to look', async () => {
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
      expect.stringContaining(`goes on by itself. To look again: npm run foyer -- import --follow ${id}`),
    ]);
    const looked = await tenant.workUntil(tenant.run('import', '--follow', id));
    expect([looked.status, looked.out]).toEqual([0, '  1 lines\n  1 created\n']);
  });

  it('stops reading at Ctrl-C, and says where', async () => {
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
    expect([status, err]).toEqual([
      2,
      expect.stringContaining('Stopped before line 2. The 1 lines before are batch'),
    ]);
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
  ])('tells of %s in one sentence', async (_, args, why) => {
    const { status, out, err } = await tenant.run(...args);
    expect([status, out, err]).toEqual([2, '', expect.stringMatching(why)]);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('takes nobody in from a file that cannot be used, for a tenant that is not there, or without an issuer', async () => {
    const bad = await file('bad.csv', 'subject,phone\n00u1,1\n');
    const good = await file('good.jsonl', lines([person(1)]));
    expect((await tenant.run('import', bad)).err).toContain('The file cannot be used: phone is not a column');
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
