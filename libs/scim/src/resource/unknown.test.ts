import fc from 'fast-check';
import { readPatch } from '../patch/operations.ts';
import { ENTERPRISE, GROUP, isAnswered, numRuns, USER, users } from '../scim.harness.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { readGroup } from './group.ts';
import { readResource } from './read.ts';
import { knownBody, knownOperations } from './unknown.ts';

const CUSTOM = 'urn:okta:custom:1.0:user:foyer';
const body = (more: object = {}) => ({ schemas: [USER], userName: 'ada@example.com', ...more });
const read = (given: unknown) => {
  const { value, ignored } = knownBody(given, userType);
  return { document: readResource(value, userType), ignored };
};
const operations = (...Operations: unknown[]) => knownOperations(readPatch({ Operations }), userType);

describe('a body with attributes that no schema defines', () => {
  it.each([
    ['an attribute', { shoeSize: 4, userName: 'ada@example.com' }, ['shoeSize']],
    ['a part', { name: { givenName: 'Ada', middleInitial: 'Q' } }, ['name.middleInitial']],
    [
      'a part of one of several',
      { emails: [{ value: 'a@example.com', verified: true }] },
      ['emails.verified'],
    ],
    ['an extension', { schemas: [USER, CUSTOM], [CUSTOM]: { costCentre: '1' } }, [CUSTOM]],
    ['a part of an extension', { [ENTERPRISE]: { floor: 3 } }, [`${ENTERPRISE}:floor`]],
    ['a schema alone', { schemas: [CUSTOM] }, [CUSTOM]],
    [
      'a name that objects have',
      JSON.parse('{"__proto__": {"active": false}, "constructor": 1}'),
      ['__proto__', 'constructor'],
    ],
  ])('%s: is parsed without them, and reports them', (_, more: object, ignored) => {
    const { document, ignored: told } = read(body(more));
    expect(document['userName']).toBe('ada@example.com');
    expect(told).toEqual(ignored);
    expect(JSON.stringify(document)).not.toMatch(/shoeSize|middleInitial|verified|okta|floor|costCentre/);
    expect(document['schemas']).toEqual([USER]);
  });

  it('reports an unknown attribute once, however many members have it', () => {
    const members = Array.from({ length: 50 }, (_, n) => ({ value: String(n), colour: 'red' }));
    const { value, ignored } = knownBody({ schemas: [GROUP], displayName: 'A', members }, groupType);
    expect(ignored).toEqual(['members.colour']);
    expect(readGroup(value).members).toHaveLength(50);
  });

  it('is still rejected for a known attribute with an invalid value', () => {
    for (const wrong of [{ active: 'perhaps' }, { name: 'Ada' }, { schemas: [GROUP] }, { userName: 7 }])
      expect(() => read(body({ shoeSize: 4, ...wrong }))).toThrow();
  });
});

describe('bodies from older versions and from Entra', () => {
  it('may use the URNs of SCIM 1.0 for those of 2.0', () => {
    const old = {
      schemas: ['urn:scim:schemas:core:1.0', 'urn:scim:schemas:extension:enterprise:1.0'],
      userName: 'ada@example.com',
      'urn:scim:schemas:extension:enterprise:1.0': { department: 'Files' },
    };
    const { document, ignored } = read(old);
    expect(document).toEqual({
      schemas: [USER, ENTERPRISE],
      userName: 'ada@example.com',
      [ENTERPRISE]: { department: 'Files' },
    });
    expect(ignored).toEqual([]);
    const { value } = knownBody({ schemas: ['urn:scim:schemas:core:1.0'], displayName: 'A' }, groupType);
    expect(readGroup(value).document['schemas']).toEqual([GROUP]);
  });

  it('may have the manager’s id as text, in a body and in a PATCH; an empty text means no manager', () => {
    expect(read(body({ [ENTERPRISE]: { manager: '7' } })).document[ENTERPRISE]).toEqual({
      manager: { value: '7' },
    });
    expect(read(body({ [ENTERPRISE]: { manager: ' ' } })).document).not.toHaveProperty(ENTERPRISE);
    expect(operations({ op: 'Add', path: `${ENTERPRISE}:manager`, value: '7' }).value).toEqual([
      { op: 'add', path: `${ENTERPRISE}:manager`, value: { value: '7' } },
    ]);
    expect(
      operations({ op: 'add', path: 'urn:scim:schemas:extension:enterprise:1.0:manager.value', value: '7' })
        .value,
    ).toEqual([{ op: 'add', path: `${ENTERPRISE}:manager.value`, value: '7' }]);
  });
});

describe('a PATCH with attributes that no schema defines', () => {
  it.each([
    ['shoeSize', 'shoeSize'],
    ['name.middleInitial', 'name.middleInitial'],
    ['emails[type eq "work"].verified', 'emails[…].verified'],
    ['emails[kind eq "work"].value', 'emails[…].value'],
    [`${CUSTOM}:costCentre`, `${CUSTOM}:costCentre`],
  ])('skips the operation on %s and keeps the others', (path, name) => {
    const off = { op: 'replace', path: 'active', value: false } as const;
    for (const op of ['add', 'replace', 'remove'])
      expect(operations({ op, path, value: 'x' }, off)).toEqual({ value: [off], ignored: [name] });
  });

  it('drops the unknown name from a value, with and without a path', () => {
    expect(operations({ op: 'replace', value: { [`${CUSTOM}:costCentre`]: 1, active: false } })).toEqual({
      value: [{ op: 'replace', path: null, value: { active: false } }],
      ignored: [`${CUSTOM}:costCentre`],
    });
    expect(operations({ op: 'replace', value: { 'Cost Centre [new]': 1 } }).ignored).toEqual([
      'Cost Centre […]',
    ]);
    expect(operations({ op: 'replace', path: 'name', value: { givenName: 'A', initial: 'B' } })).toEqual({
      value: [{ op: 'replace', path: 'name', value: { givenName: 'A' } }],
      ignored: ['name.initial'],
    });
  });

  it.each(['', '[', 'emails[type eq]', 'emails[type eq "work"', 'userName[value eq "x"]', 'two words'])(
    'leaves %j to be rejected when the PATCH is applied',
    (path) => {
      const operation = { op: 'replace', path, value: 'x' } as const;
      expect(operations(operation)).toEqual({ value: [operation], ignored: [] });
    },
  );
});

it('leaves known attributes unchanged', () => {
  fc.assert(
    fc.property(users, (user) => {
      const { value, ignored } = knownBody(user, userType);
      expect(ignored).toEqual([]);
      expect(isAnswered(() => readResource(value, userType))).toEqual(
        isAnswered(() => readResource(user, userType)),
      );
    }),
    { numRuns },
  );
});
