import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditSealer, openTenant, PrismaCallLog } from '@foyer/persistence';
import {
  createTestDatabase,
  transactionsEnded,
  writeMonth,
  type TestDatabase,
} from '@foyer/persistence/testing';
import { run } from '../../run.ts';
import { Terminal } from '../../terminal.ts';
import { commands } from '../index.ts';

let test: TestDatabase;
let folder: string;
beforeAll(async () => {
  test = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'foyer-audit-'));
});
afterAll(async () => {
  await test.drop();
  await rm(folder, { recursive: true });
});

async function foyer(args: string[], environment: Record<string, string> = { DATABASE_URL: test.url }) {
  let [out, err] = ['', ''];
  const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
  const stopping = new AbortController().signal;
  const status = await run({ args, commands, terminal, stopping, environment });
  return { status, out, err };
}

/** A tenant with three blocks of four rows each. */
async function sealedTenant(): Promise<{ slug: string; tenantId: string }> {
  const slug = `t-${randomUUID()}`;
  const tenantId = await openTenant(test.database, slug);
  const log = new PrismaCallLog(test.database, tenantId, 0);
  const sealer = new AuditSealer(test.database, tenantId);
  const context = { requestId: null, identityId: null, lease: null };
  for (let at = 0; at < 6; at++) {
    const parameters = { at, name: 'Zoë "Ada" \u2028 Example', big: 12345678901234567890n.toString() };
    await log.record(
      context,
      {
        direction: 'out',
        system: 'box',
        operation: 'find_user',
        method: 'GET',
        path: '/2.0/users',
        actor: null,
        parameters,
      },
      { result: 'ok', status: 200, error: null, answer: null, durationMs: 0.1 + at },
    );
    if (at % 2 === 0) continue;
    await transactionsEnded(test.database);
    await sealer.round();
  }
  return { slug, tenantId };
}

async function exported(): Promise<{ path: string; lines: string[]; head: string }> {
  const { slug } = await sealedTenant();
  const path = join(folder, `${slug}.jsonl`);
  expect(await foyer(['audit', 'export', '--tenant', slug, '--out', path])).toMatchObject({
    status: 0,
    out: '',
  });
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const { end } = JSON.parse(lines.at(-1)!) as { end: { seq: number; hash: string } };
  return { path, lines, head: `${end.seq}:${end.hash}` };
}

describe('foyer audit verify', () => {
  it('reports an intact log, and the number of rows that are not sealed yet', async () => {
    const { slug, tenantId } = await sealedTenant();
    await new PrismaCallLog(test.database, tenantId, 0).intend(
      { requestId: null, identityId: null, lease: null },
      {
        direction: 'out',
        system: 'box',
        operation: 'x',
        method: 'GET',
        path: '/',
        actor: null,
        parameters: {},
      },
    );
    const { status, out, err } = await foyer(['audit', 'verify', '--tenant', slug]);
    expect(status).toBe(0);
    expect(out).toMatch(
      /^intact: tenant t-\S+, 12 rows in 3 blocks\nhead: 3:[0-9a-f]{64}, sealed at \S+Z\nnot sealed yet: 1 row, the oldest of \S+Z\n$/,
    );
    expect(err).toContain('100% 12/12');
  });

  it('names the first row that was changed, with status 1', async () => {
    const { slug, tenantId } = await sealedTenant();
    const { rows } = await test.database.pool.query<{ id: string }>(
      'SELECT id FROM api_call WHERE tenant_id = $1 ORDER BY id OFFSET 3 LIMIT 1',
      [tenantId],
    );
    await test.database.pool.query(
      `BEGIN; ALTER TABLE api_call DISABLE TRIGGER append_only;
       UPDATE api_call SET path = '/2.0/users/1' WHERE id = ${rows[0]!.id};
       ALTER TABLE api_call ENABLE ALWAYS TRIGGER append_only; COMMIT`,
    );
    const { status, out } = await foyer(['audit', 'verify', '--tenant', slug]);
    expect(status).toBe(1);
    expect(out).toMatch(
      new RegExp(`^NOT INTACT: .*\\nfirst  Call ${rows[0]!.id} \\(\\S+Z\\), in block 2, was changed\\.\\n`),
    );
  });

  it('compares with a stored head', async () => {
    const { path, head } = await exported();
    expect(await foyer(['audit', 'verify', '--file', path, '--head', head], {})).toMatchObject({ status: 0 });
    const other = `3:${'0'.repeat(64)}`;
    expect((await foyer(['audit', 'verify', '--file', path, '--head', other], {})).out).toContain(
      'rewritten',
    );
    const later = head.replace('3:', '4:');
    expect((await foyer(['audit', 'verify', '--file', path, '--head', later], {})).out).toContain(
      'but a stored head proves that block 4 existed',
    );
  });

  it('compares with every head of this tenant in a log', async () => {
    const { slug } = await sealedTenant();
    const head = (await foyer(['audit', 'head', '--tenant', slug])).out.trim();
    expect(head).toMatch(/^3:[0-9a-f]{64}$/);
    const line = (of: string, noted: string) =>
      JSON.stringify({ level: 'info', event: 'audit-sealed', tenant: of, rows: 4, head: noted });
    const other = line('another', `2:${'0'.repeat(64)}`);
    const verified = async (...lines: string[]) => {
      const path = join(folder, `${randomUUID()}.log`);
      await writeFile(path, lines.join('\n'));
      return foyer(['audit', 'verify', '--tenant', slug, '--heads', path]);
    };
    expect(await verified('{"event":"relayed"}', other, `foyer | ${line(slug, head)}`)).toMatchObject({
      status: 0,
    });
    const rewritten = await verified(line(slug, `2:${'0'.repeat(64)}`), line(slug, head));
    expect(rewritten.out).toMatch(/Block 2 is not the one in the stored head/);
    expect((await verified('{"event":"relayed"}')).err).toMatch(/has no head/);
  });

  it.each([
    [['--head', '1'], /--head must be/],
    [['--head', `0:${'a'.repeat(64)}`], /--head must be/],
    [['--tenant', 'nobody'], /There is no tenant "nobody"/],
    [['--tenant', 'No Body'], /FOYER_TENANT must be/],
    [['--file', '/no/such/file'], /\/no\/such\/file cannot be read/],
    [['--file', '/'], /is not a file/],
    [['--fil', 'x'], /Unknown option/],
    [['surplus'], /Unexpected argument/],
  ])('answers %j with one sentence and status 2', async (args, sentence) => {
    const { status, out, err } = await foyer(['audit', 'verify', ...args]);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(sentence);
  });

  it('says that the database cannot be reached, without its password', async () => {
    const environment = { DATABASE_URL: 'postgresql://foyer:hush@127.0.0.1:9/foyer' };
    const { status, err } = await foyer(['audit', 'verify'], environment);
    expect(status).toBe(2);
    expect(err).toMatch(/ECONNREFUSED/);
    expect(err).not.toContain('hush');
  });
});

describe('an export', () => {
  it('is verified without a database, and is the same on standard output', async () => {
    const { path, lines } = await exported();
    expect(lines).toHaveLength(1 + 3 + 12 + 1);
    expect(await foyer(['audit', 'verify', '--file', path], {})).toMatchObject({ status: 0 });
    const { tenant } = JSON.parse(lines[0]!) as { tenant: string };
    const { out } = await foyer(['audit', 'export', '--tenant', tenant]);
    expect(out.trimEnd().split('\n').slice(1)).toEqual(lines.slice(1));
    expect((JSON.parse(lines[2]!) as { row: { parameters: unknown } }).row.parameters).toMatchObject({
      at: 0,
    });
  });

  it('has the rows of the months asked for, and the chain of all', async () => {
    const { slug } = await sealedTenant();
    const path = join(folder, 'month.jsonl');
    expect(
      (await foyer(['audit', 'export', '--tenant', slug, '--to', '2001-01', '--out', path])).status,
    ).toBe(0);
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(1 + 3 + 1);
    expect((await foyer(['audit', 'verify', '--file', path], {})).out).toMatch(
      /^intact: .* 0 rows in 3 blocks/,
    );
  });

  it('keeps the old file when the new one cannot be written', async () => {
    const { slug } = await sealedTenant();
    const { status, err } = await foyer(['audit', 'export', '--tenant', slug, '--out', '/no/such/folder/x']);
    expect(status).toBe(2);
    expect(err).toMatch(/cannot be written/);
  });

  it.each([
    [['--from', '2026-13'], /--from must be a month/],
    [['--to', 'x'], /--to must be a month/],
    [['--from', '2026-02', '--to', '2026-01'], /must not be after/],
  ])('answers %j with one sentence and status 2', async (args, sentence) => {
    const { status, err } = await foyer(['audit', 'export', ...args]);
    expect(status).toBe(2);
    expect(err).toMatch(sentence);
  });

  it('is refused in one sentence when it is none', async () => {
    const path = join(folder, `${randomUUID()}.jsonl`);
    await writeFile(path, 'hello\n');
    expect(await foyer(['audit', 'verify', '--file', path], {})).toEqual({
      status: 2,
      out: '',
      err: 'foyer: The file is not an export of the audit log.\n',
    });
  });

  it('that was changed is reported with its first finding, and as JSON', async () => {
    const { path, lines } = await exported();
    await writeFile(path, lines.map((line) => `${line.replace('/2.0/users', '/2.0/userz')}\n`).join(''));
    const { status, out } = await foyer(['audit', 'verify', '--file', path], {});
    expect([status, out]).toEqual([
      1,
      expect.stringMatching(/^NOT INTACT: .*\nfirst {2}Call \d+ .* was changed\.\n/),
    ]);
    const { out: json } = await foyer(['audit', 'verify', '--file', path, '--json'], {});
    expect(JSON.parse(json)).toMatchObject({
      intact: false,
      first: [{ what: 'row-changed', block: 1 }, {}, {}, {}, {}, {}],
    });
  });
});

describe('foyer audit prune', () => {
  it('shows what it would remove, and removes it with --yes', async () => {
    const { slug, tenantId } = await sealedTenant();
    await writeMonth(test, tenantId, '2026-01', 3);
    const prune = (...args: string[]) =>
      foyer(['audit', 'prune', '--keep-months', '1', '--tenant', slug, ...args]);
    expect(await prune()).toMatchObject({
      status: 0,
      out: expect.stringMatching(
        /^2026-01: 6 rows in 1 block\nThese rows would be removed\..*--yes\.\n$/,
      ) as string,
    });
    expect(await prune('--yes', '--as', 'ada')).toMatchObject({
      status: 0,
      out: '2026-01: 6 rows in 1 block\nremoved: 6 rows\n',
    });
    expect((await foyer(['audit', 'verify', '--tenant', slug])).out).toMatch(
      /pruned: 2026-01\n +6 rows by operator:ada \(account \S+\) at /,
    );
  });

  it.each([undefined, '0', '-1', '1.5', 'all', '99999'])('refuses to keep %s months', async (months) => {
    const args = months === undefined ? [] : [`--keep-months=${months}`];
    const { status, err } = await foyer(['audit', 'prune', ...args, '--yes']);
    expect(status).toBe(2);
    expect(err).toMatch(/--keep-months must be a whole number/);
  });

  it('has nothing to do while all rows are recent', async () => {
    const { slug } = await sealedTenant();
    const { status, out } = await foyer(['audit', 'prune', '--keep-months', '1', '--yes', '--tenant', slug]);
    expect(status).toBe(0);
    expect(out).toMatch(/^There is nothing to remove before \d{4}-\d\d\.\n$/);
  });
});
