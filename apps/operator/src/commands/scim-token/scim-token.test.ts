import { randomUUID } from 'node:crypto';
import { openTenant, ScimTokens } from '@foyer/persistence';
import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { run } from '../../run.ts';
import { Terminal } from '../../terminal.ts';
import { commands } from '../index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const TOKEN = /^foyer_scim_[A-Za-z0-9_-]{43}\n$/;

/** A tenant of its own, and the commands on it. */
async function tenant() {
  const slug = `t-${randomUUID()}`;
  const tenantId = await openTenant(test.database, slug);
  const foyer = async (...args: string[]) => {
    let [out, err] = ['', ''];
    const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
    const stopping = new AbortController().signal;
    const environment = { DATABASE_URL: test.url, FOYER_TENANT: slug };
    const status = await run({ args, commands, terminal, stopping, environment });
    return { status, out, err };
  };
  return { foyer, tokens: new ScimTokens(test.database, tenantId), tenantId };
}

describe('scim-token create', () => {
  it('prints only the token on standard output, and it is valid for a year', async () => {
    const { foyer, tokens } = await tenant();
    const { status, out, err } = await foyer('scim-token', 'create', '--name', 'okta');
    expect([status, out]).toEqual([0, expect.stringMatching(TOKEN)]);
    expect(await tokens.find(out.trim())).toMatchObject({ name: 'okta', state: 'active' });
    const [{ secondsLeft, expiresAt } = { secondsLeft: 0, expiresAt: new Date(0) }] = await tokens.standing();
    expect(Math.round(secondsLeft / 86_400)).toBe(365);
    expect(err).toContain(expiresAt.toISOString());
    expect(err).not.toContain(out.trim());
  });

  it.each(['1', '730'])('creates one that is valid for %s days', async (days) => {
    const { foyer, tokens } = await tenant();
    expect(await foyer('scim-token', 'create', '--name', 'okta', '--days', days)).toMatchObject({
      status: 0,
    });
    expect(Math.round((await tokens.standing())[0]!.secondsLeft / 86_400)).toBe(Number(days));
  });

  it('refuses the name of an active token, and creates nothing', async () => {
    const { foyer, tokens } = await tenant();
    const first = await foyer('scim-token', 'create', '--name', 'okta');
    const second = await foyer('scim-token', 'create', '--name', 'okta');
    expect(second).toMatchObject({ status: 2, out: '' });
    expect(second.err).toContain('scim-token revoke okta');
    expect(await tokens.find(first.out.trim())).toMatchObject({ state: 'active' });
    expect(await tokens.list()).toHaveLength(1);
  });

  it.each([
    ['no name', [], '--name must be'],
    ['an empty name', ['--name', ''], '--name must be'],
    ['a name of two words', ['--name', 'okta prod'], '--name must be'],
    ['a name of 64 characters', ['--name', 'x'.repeat(64)], '--name must be'],
    ['a name with a line end', ['--name', 'okta\n'], '--name must be'],
    ['a name that is an id', ['--name', '8C3F6C1E-9c8f-4ec1-a3f2-7d2bb8c5d001'], '--name must be'],
    ['no days', ['--name', 'okta', '--days', '0'], '--days must be'],
    ['731 days', ['--name', 'okta', '--days', '731'], '--days must be'],
    ['days that are no number', ['--name', 'okta', '--days', '1e2'], '--days must be'],
    ['fewer days than none', ['--name', 'okta', '--days=-1'], '--days must be'],
    ['an option of another command', ['--name', 'okta', '--yes'], "Unknown option '--yes'"],
    ['a word too many', ['--name', 'okta', 'prod'], 'positional'],
  ])('refuses %s', async (_what, args, says) => {
    const { foyer, tokens } = await tenant();
    const { status, out, err } = await foyer('scim-token', 'create', ...args);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(says);
    expect(await tokens.list()).toEqual([]);
  });

  it('creates no tenant because of a misspelled name', async () => {
    const { foyer } = await tenant();
    const { status, err } = await foyer('scim-token', 'create', '--name', 'okta', '--tenant', 'elsewhere');
    expect(status).toBe(2);
    expect(err).toContain('There is no tenant "elsewhere"');
  });
});

describe('scim-token list', () => {
  it('shows by name, last characters and state, and never a token', async () => {
    const { foyer, tokens } = await tenant();
    expect(await foyer('scim-token', 'list')).toMatchObject({
      status: 0,
      out: 'There are no SCIM tokens.\n',
    });
    const { out: old } = await foyer('scim-token', 'create', '--name', 'okta-old');
    const { out: token } = await foyer('scim-token', 'create', '--name', 'okta');
    await tokens.noteUse((await tokens.find(token.trim()))!.id);
    await foyer('scim-token', 'revoke', 'okta-old');
    const { out } = await foyer('scim-token', 'list');
    const lines = out.trimEnd().split('\n');
    expect(lines[1]).toMatch(
      new RegExp(`^okta +…${token.trim().slice(-4)} +active .* 20\\S+Z  -  +[0-9a-f-]{36}$`),
    );
    expect(lines[2]).toMatch(
      new RegExp(`^okta-old +…${old.trim().slice(-4)} +revoked .* never .*Z  [0-9a-f-]{36}$`),
    );
    const json = await foyer('scim-token', 'list', '--json');
    expect(JSON.parse(json.out)).toMatchObject([
      { name: 'okta', state: 'active', hint: token.trim().slice(-4), revokedAt: null },
      { name: 'okta-old', state: 'revoked', lastUsedAt: null },
    ]);
    for (const secret of [old, token]) expect(out + json.out).not.toContain(secret.trim().slice(11));
  });
});

describe('scim-token revoke', () => {
  it('reports what it did, and the second time that nothing was done', async () => {
    const { foyer, tokens } = await tenant();
    const { out: token } = await foyer('scim-token', 'create', '--name', 'okta');
    const first = await foyer('scim-token', 'revoke', 'okta');
    expect(first).toEqual({
      status: 0,
      out: `Token okta (…${token.trim().slice(-4)}) is revoked.\n`,
      err: '',
    });
    expect(await tokens.find(token.trim())).toMatchObject({ state: 'revoked' });
    const { id } = (await tokens.list())[0]!;
    for (const which of ['okta', id]) {
      const again = await foyer('scim-token', 'revoke', which);
      expect(again.status).toBe(0);
      expect(again.out).toMatch(/^Token okta .* was revoked at 20\S+Z: nothing was done\.$/m);
    }
  });

  it.each([
    ['a name that does not exist', ['nobody'], 'There is no SCIM token "nobody"'],
    ['an id that there is not', [randomUUID()], 'There is no SCIM token'],
    ['nothing', [], 'takes one name or id'],
    ['two names', ['a', 'b'], 'takes one name or id'],
    ['an empty name', [''], 'takes one name or id'],
    ['a quote', [`x' OR '1'='1`], 'There is no SCIM token'],
  ])('refuses %s', async (_what, args, says) => {
    const { foyer, tokens } = await tenant();
    await foyer('scim-token', 'create', '--name', 'okta');
    const { status, err } = await foyer('scim-token', 'revoke', ...args);
    expect(status).toBe(2);
    expect(err).toContain(says);
    expect((await tokens.list())[0]).toMatchObject({ state: 'active' });
  });

  it('is recorded with the operator, without the token', async () => {
    const { foyer, tenantId } = await tenant();
    const { out } = await foyer('scim-token', 'create', '--name', 'okta');
    await foyer('scim-token', 'revoke', 'okta');
    const { rows } = await test.database.pool.query<{ operation: string; actor: string; row: string }>(
      'SELECT operation, actor, c::text AS row FROM api_call c WHERE tenant_id = $1 ORDER BY id',
      [tenantId],
    );
    expect(rows.map(({ operation }) => operation)).toEqual(['create_scim_token', 'revoke_scim_token']);
    for (const { actor, row } of rows) {
      expect(actor).toMatch(/^operator:./);
      expect(row).not.toContain(out.trim().slice(11));
    }
  });
});
