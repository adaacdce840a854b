import { statementsOf } from '@foyer/persistence/testing';
import { ScimTestClient, USER } from './scim.harness.ts';

let scim: ScimTestClient;
let id: string;
beforeAll(async () => {
  scim = await ScimTestClient.start();
  id = (await scim.hire('ada')).body.id;
  const noted = 'SELECT 1 FROM scim_token WHERE last_used_at IS NOT NULL';
  while ((await scim.house.api.sql(noted)).length === 0) await new Promise(setImmediate);
});
afterAll(() => scim.stop());

const NAME = /^foyer-(.*)-[0-9a-f]{12}$/;

/**
 * The names of the statements of a call, without the check of the token, which is made once in two seconds, and without
 * the records of earlier reads.
 */
async function statementsFor(call: () => Promise<{ readonly status: number }>): Promise<string[]> {
  await scim.house.api.context.tenant.readRecords.flush();
  const seen = await statementsOf(scim.house.api.context.database, async () => {
    expect((await call()).status).toBeLessThan(300);
  });
  return seen
    .map(({ name, text }) => NAME.exec(name ?? '')?.[1] ?? text)
    .filter((name) => name !== 'scim-token-find');
}

const patch = (value: object) => () => scim.patch(`/Users/${id}`, { op: 'replace', value });

describe('the statements of a SCIM call', () => {
  it('are one to create a person', async () => {
    expect(await statementsFor(() => scim.hire('ben'))).toEqual(['insert-user']);
  });

  it.each([
    ['PATCH of active', patch({ active: false })],
    ['PATCH of a title', patch({ title: 'Countess' })],
    [
      'PUT',
      () =>
        scim.put(`/Users/${id}`, {
          schemas: [USER],
          userName: 'ada@example.com',
          title: 'Lady',
          active: true,
        }),
    ],
  ])('are a read and a write for a %s', async (_name, call) => {
    expect(await statementsFor(call)).toEqual(['scim-user', 'change-user']);
  });

  it('are a read for a GET and a search', async () => {
    const isOfCall = (name: string): boolean => name !== 'record-set';
    const get = await statementsFor(() => scim.get(`/Users/${id}`));
    expect(get.filter(isOfCall)).toEqual(['scim-user']);
    const filter = encodeURIComponent('userName eq "ada@example.com"');
    const search = await statementsFor(() => scim.get(`/Users?filter=${filter}`));
    expect(search.filter(isOfCall)).toEqual(['scim-look-up']);
  });

  it('record many reads in one set in a tenth of a second', async () => {
    const began = performance.now();
    let ms = 0;
    const READS = 60;
    const names = await statementsFor(async () => {
      const answers = await Promise.all(Array.from({ length: READS }, () => scim.get(`/Users/${id}`)));
      await scim.house.api.context.tenant.readRecords.flush();
      ms = performance.now() - began;
      return answers.find(({ status }) => status !== 200) ?? answers[0]!;
    });
    expect(names.filter((name) => name === 'scim-user')).toHaveLength(READS);
    const others = names.filter((name) => name !== 'scim-user');
    expect(others.length).toBeGreaterThan(0);
    expect(others.length).toBeLessThanOrEqual(1 + Math.ceil(ms / 100));
    expect(new Set(others)).toEqual(new Set(['record-set']));
  });

  it('check the token of many calls once in two seconds', async () => {
    const began = performance.now();
    const seen = await statementsOf(scim.house.api.context.database, async () => {
      for (let n = 0; n < 20; n++) await scim.get(`/Users/${id}`);
    });
    const checks = seen.filter(({ name }) => name?.startsWith('foyer-scim-token-find')).length;
    expect(checks).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - began) / 2_000));
  });
});
