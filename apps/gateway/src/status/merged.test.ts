import { Merges } from '@foyer/persistence';
import { errorCatalog } from '@foyer/shared';
import { Api, type Credentials } from '../access/api.harness.ts';

let api: Api;
let machine: Credentials;
let stays: Awaited<ReturnType<Api['admit']>>;
let other: Awaited<ReturnType<Api['admit']>>;

beforeAll(async () => {
  api = await Api.start();
  machine = await api.machine();
  [stays, other] = [await api.admit(), await api.admit()];
  await api.finish(stays.requestId, {});
  const merges = new Merges(api.context.database, api.tenantId);
  const pair = { staying: stays.identityId, other: other.identityId };
  const { kind } = await merges.apply(pair, { reactivate: false, by: 'operator:olga' });
  expect(kind).toBe('decided');
});
afterAll(() => api.stop());

const requests = '/v1/provisioning-requests';

describe('an identity that was merged into another one', () => {
  it('names the one that stays, in its own resource and in lists', async () => {
    const { body } = await api.get(`/v1/identities/${other.identityId}`, machine);
    expect(body).toMatchObject({ id: other.identityId, active: false, mergedInto: stays.identityId });
    const { body: list } = await api.get('/v1/identities', machine);
    expect(list.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: other.identityId, mergedInto: stays.identityId }),
        expect.objectContaining({ id: stays.identityId, mergedInto: null }),
      ]),
    );
  });

  it('shows why its request ended', async () => {
    const { body } = await api.get(`${requests}/${other.requestId}`, machine);
    expect(body).toMatchObject({
      status: 'failed',
      error: {
        code: 'identity_merged',
        title: errorCatalog.identity_merged.title,
        detail: `This identity was merged into ${stays.identityId}.`,
        docs: '/docs/errors#identity_merged',
      },
    });
    const { body: list } = await api.get(`${requests}?errorCode=identity_merged`, machine);
    expect(list.items.map(({ id }) => id)).toEqual([other.requestId]);
  });

  it('refuses a retry of its request, and names the one that stays', async () => {
    const answer = await api.call('POST', `${requests}/${other.requestId}/retry`, { as: machine });
    expect([answer.status, answer.body.code]).toEqual([409, 'identity_merged']);
    expect(answer.body.detail).toContain(stays.identityId);
  });
});
