import { GROUP, PATCH_OP, USER, type ScimReply } from '../scim.harness.ts';
import { client, MESSAGES, expectError, fresh, hired, textLike } from './conformance.harness.ts';

const house = client();

const BULK = `${MESSAGES}:BulkRequest`;

describe('RFC 7644, section 3.7: bulk', () => {
  const bulk = (Operations: readonly object[], more: object = {}) =>
    house.scim.post('/Bulk', { schemas: [BULK], ...more, Operations });
  const post = (bulkId: string, more: object = {}) => ({
    ...{ method: 'POST', path: '/Users', bulkId },
    data: { schemas: [USER], userName: fresh(), ...more },
  });
  const operationsOf = ({ body }: ScimReply) => body['Operations'] as readonly Record<string, unknown>[];

  it('answers each operation with its location, and replaces bulkIds by ids', async () => {
    const group = { schemas: [GROUP], displayName: fresh(), members: [{ value: 'bulkId:new' }] };
    const answer = await bulk([
      { method: 'POST', path: '/Groups', bulkId: 'of', data: group },
      post('new'),
      {
        method: 'PATCH',
        path: '/Users/bulkId:new',
        data: { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'title', value: 'T' }] },
      },
    ]);
    expect(answer.body).toMatchObject({ schemas: [`${MESSAGES}:BulkResponse`] });
    const [ofGroup, ofUser, ofPatch] = operationsOf(answer);
    const address: unknown = expect.stringContaining(`${house.scim.origin}/scim/v2/`);
    expect(ofGroup).toMatchObject({
      method: 'POST',
      bulkId: 'of',
      status: '201',
      location: address,
      version: 'W/"1"',
    });
    expect(ofPatch).toMatchObject({
      method: 'PATCH',
      status: '200',
      location: ofUser!['location'],
      version: textLike(/^W\/"2\.[\w-]+"$/),
    });
    const members = (await house.scim.get(String(ofGroup!['location']).split('/scim/v2')[1]!)).body[
      'members'
    ];
    expect(members).toMatchObject([{ $ref: ofUser!['location'] }]);
  });

  it('continues after errors, or stops after the number of errors that the client states', async () => {
    const wrong = () => ({ method: 'DELETE', path: `/Users/${crypto.randomUUID()}` });
    const statuses = async (failOnErrors?: number) =>
      operationsOf(
        await bulk([wrong(), post('a'), wrong(), post('b')], failOnErrors ? { failOnErrors } : {}),
      ).map((each) => each['status']);
    expect(await statuses()).toEqual(['404', '201', '404', '201']);
    expect(await statuses(1)).toEqual(['404']);
    expect(await statuses(2)).toEqual(['404', '201', '404']);
  });

  it('reports the error of an operation in its own answer', async () => {
    const user = await hired(house.scim);
    const [none, loop, taken, stale] = operationsOf(
      await bulk([
        { method: 'GET', path: '/Users' },
        { method: 'PUT', path: '/Users/bulkId:nobody', data: { schemas: [USER], userName: 'x' } },
        post('t', { userName: user['userName'] }),
        { method: 'DELETE', path: `/Users/${user.id}`, version: 'W/"9"' },
      ]),
    );
    for (const [answer, status, scimType] of [
      [none, 400, 'invalidSyntax'],
      [loop, 400, 'invalidValue'],
      [taken, 409, 'uniqueness'],
      [stale, 412, undefined],
    ] as const)
      expect(answer).toMatchObject({
        status: String(status),
        response: { schemas: [`${MESSAGES}:Error`], status: String(status), ...(scimType && { scimType }) },
      });
    expect((await house.scim.get(`/Users/${user.id}`)).status).toBe(200);
  });

  it('refuses more operations than the announced maximum', async () => {
    const { maxOperations } = (await house.scim.get('/ServiceProviderConfig')).body['bulk'] as {
      maxOperations: number;
    };
    const one = { method: 'DELETE', path: '/Users/x' };
    expectError(await bulk(Array.from({ length: maxOperations + 1 }, () => one)), 413);
  });
});
