import { GROUP, PATCH_OP, type ScimReply } from '../scim.harness.ts';
import { client, expectError, fresh, hired } from './conformance.harness.ts';

const house = client();

describe('RFC 7644, section 3.14: versions', () => {
  it('are in ETag and meta, grow with each change, and guard every method', async () => {
    const { body: group } = await house.scim.group(fresh());
    const path = `/Groups/${group.id}`;
    const change = {
      schemas: [PATCH_OP],
      Operations: [{ op: 'replace', path: 'displayName', value: fresh() }],
    };
    const stale = { 'if-match': 'W/"7"' };
    expectError(await house.scim.send('PATCH', path, change, stale), 412);
    expectError(await house.scim.send('PUT', path, { schemas: [GROUP], displayName: 'x' }, stale), 412);
    expectError(await house.scim.send('DELETE', path, undefined, stale), 412);
    expect((await house.scim.send('PATCH', path, change, { 'if-match': 'W/"1"' })).headers.get('etag')).toBe(
      'W/"2"',
    );
    expect((await house.scim.get(path, { 'if-none-match': 'W/"2"' })).status).toBe(304);
    expect((await house.scim.get(path)).body['meta']).toMatchObject({ version: 'W/"2"' });
    expect((await house.scim.send('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
  });
});

describe('RFC 9865: pages by cursor', () => {
  it('begin with an empty cursor, have no index, and end without a next one', async () => {
    for (let n = 0; n < 3; n++) await hired(house.scim, { title: 'Turner' });
    const seen: string[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const { status, body }: ScimReply = await house.scim.get(
        `/Users?filter=title+eq+%22Turner%22&count=2&cursor=${cursor}`,
      );
      expect(status).toBe(200);
      expect(body).not.toHaveProperty('startIndex');
      seen.push(...body.Resources.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(new Set(seen).size).toBe(3);
    expect((await house.scim.get('/ServiceProviderConfig')).body['pagination']).toMatchObject({
      cursor: true,
      index: true,
    });
  });

  it('refuse an invalid cursor and an invalid count', async () => {
    for (const query of ['cursor=x', 'cursor=&startIndex=1', 'cursor=%00'])
      expectError(await house.scim.get(`/Users?${query}`), 400, 'invalidCursor');
    expectError(await house.scim.get('/Users?cursor=&count=x'), 400, 'invalidCount');
  });
});
