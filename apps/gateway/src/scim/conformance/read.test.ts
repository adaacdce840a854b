import { PATCH_OP, USER } from '../scim.harness.ts';
import { client, MESSAGES, aList, aString, expectError, fresh, hired } from './conformance.harness.ts';

const house = client();

describe('RFC 7644, section 3.4: reading', () => {
  it('answers 404 for invalid ids', async () => {
    const ids = ['x', '0', crypto.randomUUID(), '%00', `${'a'.repeat(2_000)}`];
    for (const type of ['/Users', '/Groups'])
      for (const id of ids) {
        expectError(await house.scim.get(`${type}/${id}`), 404);
        expectError(await house.scim.delete(`${type}/${id}`), 404);
        expectError(
          await house.scim.patch(`${type}/${id}`, { op: 'replace', path: 'displayName', value: 'x' }),
          404,
        );
      }
    expectError(await house.scim.put(`/Users/${ids[2]}`, { schemas: [USER], userName: 'x' }), 404);
  });

  it('section 3.4.2: an empty list is a list', async () => {
    const { status, body } = await house.scim.filter('/Users', 'userName eq "nobody"');
    expect([status, body]).toEqual([
      200,
      {
        schemas: [`${MESSAGES}:ListResponse`],
        totalResults: 0,
        itemsPerPage: 0,
        startIndex: 1,
        Resources: [],
      },
    ]);
  });

  it('section 3.4.2.2: every operator, not, and, or, groups, value paths, any case, full names', async () => {
    const { id, userName } = await hired(house.scim, { title: 'Ferryman', nickName: undefined });
    const mine = `userName eq "${String(userName)}"`;
    const yes = [
      ...[
        'title eq "ferryman"',
        'title ne "x"',
        'title co "RRY"',
        'title sw "ferry"',
        'title ew "MAN"',
        'title pr',
      ],
      ...[
        'title gt "ferry"',
        'title ge "ferryman"',
        'title lt "g"',
        'title le "ferryman"',
        'not (nickName pr)',
      ],
      ...[
        'TITLE Eq "ferryman"',
        `${USER}:title eq "ferryman"`,
        'name.familyName eq "example"',
        'nickName eq null',
      ],
      ...[
        'emails[type eq "work" and value co "@example.com"]',
        'emails.type eq "work"',
        'emails co "@example"',
      ],
      ...[
        '(title eq "x" or title eq "ferryman") and active eq true',
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
      ],
      ...[
        'title eq "x" or title pr and active eq true',
        'meta.resourceType eq "User"',
        `schemas eq "${USER}"`,
      ],
    ];
    const no = [
      'title eq "x"',
      'active eq false',
      'not (title pr)',
      'emails[type eq "home"]',
      'groups pr',
      'name.middleName pr',
    ];
    for (const [filters, found] of [
      [yes, [id]],
      [no, []],
    ] as const)
      for (const filter of filters) {
        const answer = await house.scim.filter('/Users', `${mine} and (${filter})`);
        expect([filter, answer.body.Resources?.map((each) => each.id)]).toEqual([filter, found]);
      }
  });

  it.each([
    ...[
      '',
      'userName',
      'userName eq',
      'userName eq "x',
      'eq "x"',
      'userName is "x"',
      'userName eq x',
      '(userName pr',
    ],
    ...[
      'userName pr)',
      'userName pr and',
      'not userName pr',
      'nothing eq "x"',
      'emails[',
      'emails[type eq "work"',
      'active gt true',
    ],
    ...[
      'active eq "perhaps"',
      'meta.created eq "yesterday"',
      'userName eq 1',
      `${'('.repeat(100)}userName pr${')'.repeat(100)}`,
    ],
  ])('section 3.4.2.2: refuses the filter %j', async (filter) => {
    expectError(await house.scim.filter('/Users', filter), 400, 'invalidFilter');
  });

  it('section 3.4.2.4: pages by index; a start beyond the end is empty, and one below one counts as one', async () => {
    const total = (await house.scim.get('/Users?count=0')).body.totalResults;
    expect((await house.scim.get('/Users?count=0')).body).toMatchObject({ itemsPerPage: 0, Resources: [] });
    expect((await house.scim.get('/Users?count=-1')).body).toMatchObject({
      itemsPerPage: 0,
      totalResults: total,
    });
    expect((await house.scim.get('/Users?startIndex=0&count=1')).body).toMatchObject({
      startIndex: 1,
      itemsPerPage: 1,
    });
    expect((await house.scim.get('/Users?startIndex=99999')).body).toMatchObject({
      totalResults: total,
      Resources: [],
    });
    for (const wrong of ['startIndex=x', 'count=1.5', 'count='])
      expectError(await house.scim.get(`/Users?${wrong}`), 400, 'invalidValue');
  });

  it('section 3.4.3: searches with POST as with GET, of one type and of all', async () => {
    const { id, userName } = await hired(house.scim);
    const asked = {
      schemas: [`${MESSAGES}:SearchRequest`],
      attributes: ['displayName', 'userName'],
      filter: `userName eq "${String(userName)}"`,
      startIndex: 1,
      count: 10,
    };
    for (const path of ['/Users/.search', '/.search']) {
      const { status, body } = await house.scim.post(path, asked);
      expect([path, status, body]).toMatchObject([
        path,
        200,
        { schemas: [`${MESSAGES}:ListResponse`], totalResults: 1 },
      ]);
      expect(Object.keys(body.Resources[0]!).sort()).toEqual(['displayName', 'id', 'schemas', 'userName']);
      expect(body.Resources[0]!.id).toBe(id);
    }
    expectError(await house.scim.post('/.search', { ...asked, schemas: [PATCH_OP] }), 400, 'invalidSyntax');
    expectError(
      await house.scim.post('/Users/.search', { ...asked, filter: 'userName' }),
      400,
      'invalidFilter',
    );
  });

  it('section 3.9: returns the requested attributes in every response with a resource', async () => {
    const { id } = await hired(house.scim);
    const path = `/Users/${id}`;
    const only = '?attributes=userName,emails.value';
    const answers = [
      (await house.scim.get(path + only)).body,
      (await house.scim.get(`/Users${only}&filter=id+eq+"${id}"`.replaceAll('"', '%22'))).body.Resources[0],
      (
        await house.scim.send('PATCH', path + only, {
          schemas: [PATCH_OP],
          Operations: [{ op: 'add', value: { title: 'x' } }],
        })
      ).body,
      (
        await house.scim.send('PUT', path + only, {
          schemas: [USER],
          userName: fresh(),
          emails: [{ value: 'x', type: 'work' }],
        })
      ).body,
      (
        await house.scim.send('POST', `/Users${only}`, {
          schemas: [USER],
          userName: fresh(),
          emails: [{ value: 'x', type: 'work' }],
        })
      ).body,
    ];
    for (const answer of answers) {
      expect(Object.keys(answer!).sort()).toEqual(['emails', 'id', 'schemas', 'userName']);
      expect(answer!['emails']).toEqual([{ value: aString }]);
    }
    const without = (await house.scim.get(`${path}?excludedAttributes=id,emails,schemas,name.givenName`))
      .body;
    expect(without).toMatchObject({ id, schemas: aList, userName: aString });
    expect(without).not.toHaveProperty('emails');
  });
});
