import { randomUUID } from 'node:crypto';
import { GROUP, PATCH_OP, ScimTestClient, USER, type ScimReply } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const MIB = 1024 * 1024;
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

describe('data of another tenant of the same database', () => {
  const [tenant, person, group] = [randomUUID(), randomUUID(), randomUUID()];

  beforeAll(async () => {
    const { api } = scim.house;
    await api.sql(`INSERT INTO tenant (id, slug) VALUES ($1, 'other')`, [tenant]);
    await api.sql(
      `INSERT INTO identity (id, tenant_id, issuer, subject, username, name)
       VALUES ($1, $2, $3, '00uother', 'other@example.com', 'Other')`,
      [person, tenant, api.context.config.OKTA_ISSUER_URI],
    );
    await api.sql(`INSERT INTO scim_group (id, tenant_id, display_name) VALUES ($1, $2, 'Others')`, [
      group,
      tenant,
    ]);
  });

  const untouched = async () =>
    scim.house.api.sql(
      `SELECT i.username, i.active, i.generation, g.display_name, g.version, g.deleted_at,
         (SELECT count(*)::int FROM scim_group_member m WHERE m.identity_id = i.id OR m.group_id = g.id) AS members
       FROM identity i, scim_group g WHERE i.id = $1 AND g.id = $2`,
      [person, group],
    );

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('does not exist for %s', async (method) => {
    const patch = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'displayName', value: 'x' }] };
    const bodies = {
      PUT: [
        { schemas: [USER], userName: 'x' },
        { schemas: [GROUP], displayName: 'x' },
      ],
      PATCH: [patch, patch],
    };
    const [ofUser, ofGroup] = bodies[method as keyof typeof bodies] ?? [];
    expect((await scim.send(method, `/Users/${person}`, ofUser)).status).toBe(404);
    expect((await scim.send(method, `/Groups/${group}`, ofGroup)).status).toBe(404);
    const inBulk = await scim.post('/Bulk', {
      schemas: [BULK],
      Operations: [
        { method, path: `/Users/${person}`, data: ofUser },
        { method, path: `/Groups/${group}`, data: ofGroup },
      ],
    });
    const statuses = (inBulk.body['Operations'] as { status: string }[]).map(({ status }) => status);
    expect(statuses).toEqual(method === 'GET' ? ['400', '400'] : ['404', '404']);
    expect(await untouched()).toMatchObject([
      {
        ...{ username: 'other@example.com', active: true, generation: 1 },
        ...{ display_name: 'Others', version: 1, deleted_at: null, members: 0 },
      },
    ]);
  });

  it('is found by no filter, and its names can be used in this tenant too', async () => {
    for (const filter of ['userName eq "other@example.com"', 'externalId eq "00uother"', `id eq "${person}"`])
      expect((await scim.filter('/Users', filter)).body.totalResults).toBe(0);
    const all = await scim.post('/.search', { filter: 'displayName pr or active pr', count: 1_000 });
    expect(JSON.stringify(all.body)).not.toMatch(/Others?"|other@/);
    const same = await scim.hire('same', { userName: 'other@example.com', externalId: '00uother' });
    expect([same.status, (await scim.group('Others')).status]).toEqual([201, 201]);
    await scim.delete(`/Users/${same.body.id}`);
  });

  it('is treated as an unknown member', async () => {
    const { body } = await scim.group('Mixed', [person, group]);
    expect(body['members']).toEqual(
      expect.arrayContaining([
        { value: person, display: person, type: 'User' },
        { value: group, display: group, type: 'User' },
      ]),
    );
    expect(await untouched()).toMatchObject([{ members: 0 }]);
    const rows = await scim.house.api.sql(`SELECT identity_id FROM scim_group_member WHERE group_id = $1`, [
      body.id,
    ]);
    expect(rows).toEqual([{ identity_id: null }, { identity_id: null }]);
  });

  it('is not served under its name', async () => {
    const token = await scim.house.token('elsewhere');
    const answer = await scim.house.as(token, '/t/other/scim/v2/Users');
    expect([answer.status, answer.body['schemas']]).toEqual([
      404,
      ['urn:ietf:params:scim:api:messages:2.0:Error'],
    ]);
  });
});

describe('a password', () => {
  it('is stored nowhere: in no table, no log and no answer, in whatever form it arrives', async () => {
    const secret = 'Tr0ub4dor-and-3';
    const { body: user } = await scim.hire('kim', { password: secret });
    const path = `/Users/${user.id}`;
    const filter = encodeURIComponent(`password eq "${secret}"`);
    const answers: ScimReply[] = [
      await scim.put(path, { schemas: [USER], userName: 'kim@example.com', PassWord: secret }),
      await scim.patch(path, { op: 'replace', path: 'password', value: secret }),
      await scim.patch(path, { op: 'add', path: `${USER}:password`, value: secret }),
      await scim.patch(path, { op: 'replace', value: { password: secret, title: 'x' } }),
      await scim.patch(path, { op: 'replace', value: { [`${USER}:password`]: secret } }),
      await scim.patch(path, { op: 'replace', path: 'password', value: { secret } }),
      await scim.patch(path, { op: 'replace', path: `password[value eq "${secret}"]`, value: secret }),
      await scim.get(`/Users?filter=${filter}`),
      await scim.get(`/Users?sortBy=password&attributes=password`),
      await scim.post('/Users/.search', { filter: `password sw "${secret}"` }),
      await scim.post('/Bulk', {
        schemas: [BULK],
        Operations: [
          {
            method: 'POST',
            path: '/Users',
            bulkId: 'p',
            data: { schemas: [USER], userName: 'pat', password: secret },
          },
          {
            method: 'PATCH',
            path,
            data: { Operations: [{ op: 'replace', path: 'password', value: secret }] },
          },
        ],
      }),
      await scim.get(`${path}?attributes=password,userName`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200, 200, 400, 403, 403, 403, 200, 200,
    ]);
    expect(JSON.stringify(answers)).not.toContain(secret);
    const tables = await scim.house.api.sql(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables) {
      const found = await scim.house.api.sql(
        `SELECT FROM "${String(name)}" t WHERE strpos(t::text, $1) > 0`,
        [secret],
      );
      expect([name, found]).toEqual([name, []]);
    }
    expect(scim.house.logged.join()).not.toContain(secret);
  });
});

describe('text that could be interpreted', () => {
  const injections = [
    `' OR 1=1 --`,
    `"; DROP TABLE identity; --`,
    `x') UNION SELECT 1 --`,
    `$1`,
    `%`,
    `\\`,
    `\u0007`,
  ];

  it('is plain text in filters, and never the name of an attribute elsewhere', async () => {
    await scim.hire('lea');
    for (const each of injections) {
      const quoted = JSON.stringify(each);
      for (const filter of [
        `userName co ${quoted}`,
        `emails[value eq ${quoted}]`,
        `meta.version eq ${quoted}`,
      ])
        expect([filter, (await scim.filter('/Users', filter)).body.totalResults]).toEqual([filter, 0]);
      expect((await scim.filter('/Users', each)).body).toMatchObject({
        status: '400',
        scimType: 'invalidFilter',
      });
      const word = encodeURIComponent(each);
      expect((await scim.get(`/Users?sortBy=${word}`)).body).toMatchObject({
        status: '400',
        scimType: 'invalidValue',
      });
      expect((await scim.get(`/Users?cursor=${word}`)).body).toMatchObject({
        status: '400',
        scimType: 'invalidCursor',
      });
      expect((await scim.get(`/Users?attributes=${word}`)).status).toBe(200);
      const { body } = await scim.group(`Group ${each}`, [each]);
      expect(body['members']).toMatchObject([{ value: each }]);
      const gone = await scim.patch(`/Groups/${body.id}`, {
        op: 'remove',
        path: `members[display co ${quoted}]`,
      });
      expect([gone.status, (await scim.get(`/Groups/${body.id}`)).body['members'] ?? []]).toEqual([204, []]);
    }
  });

  it('is refused as a cursor that was tampered with', async () => {
    const first = (await scim.get('/Users?count=1&cursor=')).body.nextCursor!;
    const cursor = JSON.parse(Buffer.from(first, 'base64url').toString()) as object;
    const changes = [
      { at: '0000-01-01T00:00:00.000Z' },
      { at: "2026-01-01' OR 1=1" },
      { at: 'infinity' },
      { id: "x'" },
      { of: 'x' },
      { at: null },
    ];
    for (const change of changes) {
      const forged = Buffer.from(JSON.stringify({ ...cursor, ...change })).toString('base64url');
      const answer = await scim.get(`/Users?count=1&cursor=${forged}`);
      expect([change, answer.body]).toMatchObject([change, { status: '400', scimType: 'invalidCursor' }]);
    }
  });

  it('creates neither headers nor lines of the log', async () => {
    const line = '\r\nx-injected: 1\n{"level":50,"event":"forged"}';
    const { body } = await scim.hire('mia', {
      displayName: line,
      externalId: `00u${line}`,
      userName: `mia${line}`,
    });
    const answers = [
      await scim.get(`/Users/${body.id}`),
      await scim.get(`/Users/${encodeURIComponent(line)}`),
      await scim.get(`/Users?filter=${encodeURIComponent(line)}&sortBy=${encodeURIComponent(line)}`),
      await scim.send('DELETE', `/Users/${encodeURIComponent(line)}`, undefined, { 'if-match': '"x", y' }),
      await scim.post('/Users', { schemas: [USER], userName: 'x', [line]: 1 }),
      await scim.patch(`/Users/${body.id}`, { op: 'replace', path: line, value: 1 }),
    ];
    expect(answers.map(({ status, headers }) => [status, headers.get('x-injected')])).toEqual(
      [200, 404, 400, 404, 201, 400].map((status) => [status, null]),
    );
    for (const each of scim.house.logged) {
      expect(each.trimEnd().split('\n')).toHaveLength(1);
      expect(JSON.parse(each)).not.toMatchObject({ event: 'forged' });
    }
  });
});

describe('large input', () => {
  it.each<[string, string, number]>([
    ['10 MiB of blanks', ' '.repeat(10 * MIB), 413],
    ['1 MiB of opening brackets', '['.repeat(MIB), 400],
    ['objects in objects, 1 MiB', '{"a":'.repeat(MIB / 6) + '1' + '}'.repeat(MIB / 6), 400],
    [
      'emails in emails',
      `{"schemas":["${USER}"],"userName":"x","emails":${'['.repeat(MIB)}${']'.repeat(MIB)}}`,
      400,
    ],
    ['a name of 4 MiB', JSON.stringify({ schemas: [USER], userName: 'x'.repeat(4 * MIB) }), 400],
    ['300 000 attributes', `{${Array.from({ length: 300_000 }, (_, n) => `"a${n}":1`).join()}}`, 400],
    [
      '100 000 e-mails',
      JSON.stringify({ schemas: [USER], userName: 'x', emails: Array(100_000).fill({ value: 'a' }) }),
      400,
    ],
    ['a number of 1 MiB', `{"schemas":${'9'.repeat(MIB)}}`, 400],
  ])('%s', async (_what, body, status) => {
    for (const path of ['/Users', '/Groups', '/Bulk']) {
      const answer = await scim.send('POST', path, body);
      expect([path, answer.status, answer.body['status']]).toEqual([path, status, String(status)]);
    }
  });

  it('is ordered and carried out when a thousand operations each refer to the next', async () => {
    const Operations = Array.from({ length: 1_000 }, (_, n) => ({
      ...{ method: 'POST', path: '/Groups', bulkId: `g${n}` },
      data: {
        schemas: [GROUP],
        displayName: `Chain ${n}`,
        members: n < 999 ? [{ value: `bulkId:g${n + 1}`, type: 'Group' }] : [],
      },
    }));
    const answer = await scim.post('/Bulk', { schemas: [BULK], Operations });
    const made = answer.body['Operations'] as { status: string }[];
    expect([made.length, new Set(made.map(({ status }) => status))]).toEqual([1_000, new Set(['201'])]);
  });

  it('may be 20 000 members, and then none of them', async () => {
    const members = Array.from({ length: 20_000 }, () => ({ value: randomUUID() }));
    const { body, status } = await scim.post('/Groups?excludedAttributes=members', {
      schemas: [GROUP],
      displayName: 'Many',
      members,
    });
    expect(status).toBe(201);
    const more = { op: 'add', path: 'members', value: [...members, { value: 'one more' }] };
    expect((await scim.patch(`/Groups/${body.id}`, more)).body).toMatchObject({ scimType: 'invalidValue' });
    expect((await scim.patch(`/Groups/${body.id}`, { op: 'remove', path: 'members' })).status).toBe(204);
    expect((await scim.get(`/Groups/${body.id}`)).body['members'] ?? []).toEqual([]);
  });

  it('does not keep a search running that compares every resource 100 times', async () => {
    const filter = Array.from({ length: 100 }, (_, n) => `emails[value co "${n}x" or display co "y${n}"]`);
    const answer = await scim.filter('/Users', filter.slice(0, 50).join(' or '));
    expect(answer.body.totalResults).toBe(0);
    expect((await scim.post('/Users/.search', { filter: filter.join(' or ') })).body.scimType).toBe(
      'invalidFilter',
    );
  });
});
