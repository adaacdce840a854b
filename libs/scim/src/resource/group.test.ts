import fc from 'fast-check';
import { GROUP, isAnswered, numRuns, PATCH_OP, print, refusal } from '../scim.harness.ts';
import { groupType } from '../schema/resource-types.ts';
import { applyPatch } from '../patch/apply.ts';
import { readPatch } from '../patch/operations.ts';
import { matches } from '../filter/matches.ts';
import { readGroup, readGroupPatch, type GroupEdit, type Member } from './group.ts';
import { MAX_MEMBERS } from './value.ts';

const body = (...operations: unknown[]) => ({ schemas: [PATCH_OP], Operations: operations });
const edits = (...operations: unknown[]) => readGroupPatch(body(...operations));
const refused = (...operations: unknown[]) => refusal(() => edits(...operations));
const member = (value: string, display: string | null = null): Member => ({ value, display, type: null });

describe('a group that is created or replaced', () => {
  it('has its members separate from its other attributes', () => {
    const { document, members } = readGroup({
      schemas: [GROUP],
      displayName: 'Engineers',
      externalId: 'g1',
      members: [
        { value: '1', display: 'jane@example.com' },
        { value: '2', type: 'group', $ref: '../Groups/2' },
      ],
    });
    expect(document).toEqual({ schemas: [GROUP], displayName: 'Engineers', externalId: 'g1' });
    expect(members).toEqual([member('1', 'jane@example.com'), { value: '2', display: null, type: 'Group' }]);
  });

  it('has each member once, and none if none are given', () => {
    const twice = [{ value: '1' }, { value: '1', type: 'User' }, { value: '2' }];
    const named = { schemas: [GROUP], displayName: 'A' };
    expect(readGroup({ ...named, members: twice }).members).toEqual([
      { ...member('1'), type: 'User' },
      member('2'),
    ]);
    for (const members of [[], null, undefined]) expect(readGroup({ ...named, members }).members).toEqual([]);
  });

  it('may have the documented maximum of members, and not one more', () => {
    const sized = (length: number) => ({
      schemas: [GROUP],
      displayName: 'A',
      members: Array.from({ length }, (_, at) => ({ value: String(at) })),
    });
    expect(readGroup(sized(MAX_MEMBERS)).members).toHaveLength(MAX_MEMBERS);
    expect(refusal(() => readGroup(sized(MAX_MEMBERS + 1)))).toBe('400 invalidValue');
  });

  it.each([
    [[{ value: 1 }], '400 invalidValue'],
    [[{ value: ' ' }], '400 invalidValue'],
    [[{ display: 'nobody' }], '400 invalidValue'],
    [[{ value: '1', type: 'Device' }], '400 invalidValue'],
    [[{ value: 'a\0' }], '400 invalidValue'],
    [['1'], '400 invalidValue'],
    [[null], '400 invalidValue'],
    ['1', '400 invalidValue'],
    [[{ value: '1', shoeSize: 4 }], '400 invalidSyntax'],
  ])('is rejected with members %j', (members, expected) => {
    expect(refusal(() => readGroup({ schemas: [GROUP], displayName: 'A', members }))).toBe(expected);
    expect(refused({ op: 'add', path: 'members', value: members })).toBe(expected);
  });
});

describe('a PATCH of a group as Okta sends it', () => {
  it('renames the group and repeats its id', () => {
    expect(edits({ op: 'replace', value: { id: '7', displayName: 'New name' } })).toEqual([
      {
        kind: 'attributes',
        operations: [{ op: 'replace', path: null, value: { id: '7', displayName: 'New name' } }],
      },
    ]);
  });

  it('removes and adds members', () => {
    expect(
      edits(
        { op: 'remove', path: 'members[value eq "1"]' },
        { op: 'add', path: 'members', value: [{ value: '2', display: 'jane@example.com' }] },
      ),
    ).toEqual([
      { kind: 'remove-members', values: ['1'] },
      { kind: 'add-members', members: [member('2', 'jane@example.com')] },
    ]);
  });

  it('replaces all members, or removes them', () => {
    expect(edits({ op: 'replace', path: 'members', value: [{ value: '2' }] })).toEqual([
      { kind: 'replace-members', members: [member('2')] },
    ]);
    expect(edits({ op: 'replace', path: 'members', value: [] })).toEqual([
      { kind: 'replace-members', members: [] },
    ]);
    expect(
      readGroupPatch({ Operations: [{ op: 'replace', value: { members: [], id: '7', displayName: 'A' } }] }),
    ).toEqual([
      {
        kind: 'attributes',
        operations: [{ op: 'replace', path: null, value: { id: '7', displayName: 'A' } }],
      },
      { kind: 'replace-members', members: [] },
    ]);
  });
});

describe('a PATCH of a group', () => {
  it.each([
    ['members without a filter', { op: 'remove', path: 'members' }, { kind: 'replace-members', members: [] }],
    [
      'members beside the path',
      { op: 'remove', path: 'members', value: [{ value: '1' }] },
      { kind: 'remove-members', values: ['1'] },
    ],
    [
      'several by id',
      { op: 'remove', path: 'MEMBERS[value eq "1" or VALUE eq "2" or value eq "1"]' },
      { kind: 'remove-members', values: ['1', '2'] },
    ],
    [
      'members of another case',
      { op: 'add', path: `${GROUP}:Members`, value: { VALUE: '1' } },
      { kind: 'add-members', members: [member('1')] },
    ],
    [
      'only members without a path',
      { op: 'add', value: { members: [{ value: '1' }] } },
      { kind: 'add-members', members: [member('1')] },
    ],
    ['nobody', { op: 'add', path: 'members', value: [] }, { kind: 'add-members', members: [] }],
  ])('is parsed: %s', (_, operation, expected) => {
    expect(edits(operation)).toEqual([expected]);
  });

  it('removes members by any attribute that members have', () => {
    const [edit] = edits({ op: 'remove', path: 'members[display co "x" and not (type eq "Group")]' });
    if (edit?.kind !== 'remove-members-matching') throw new Error('another edit');
    expect(print(edit.filter)).toBe('(display co "x") and (not (type eq "Group"))');
    expect(matches(edit.filter, { value: '1', display: 'Max', type: 'User' })).toBe(true);
  });

  it('does not remove additional members when a filter combines ids with other conditions', () => {
    const paths = [
      'members[value eq "1" and display eq "x"]',
      'members[value eq "1" or display eq "x"]',
      'members[value ne "1"]',
      'members[not (value eq "1")]',
      'members[value eq null]',
    ];
    for (const path of paths) {
      expect(edits({ op: 'remove', path })).toMatchObject([{ kind: 'remove-members-matching' }]);
    }
  });

  it('merges adjacent edits of one kind and keeps the order of the others', () => {
    const remove = (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` });
    const add = (value: string) => ({ op: 'add', path: 'members', value: [{ value }] });
    expect(edits(remove('1'), remove('2'), add('1'), add('3'), add('3'), remove('1'))).toEqual([
      { kind: 'remove-members', values: ['1', '2'] },
      { kind: 'add-members', members: [member('1'), member('3')] },
      { kind: 'remove-members', values: ['1'] },
    ]);
    const rename = { op: 'replace', path: 'displayName', value: 'B' };
    expect(edits(rename, rename, add('1'), rename).map(({ kind }) => kind)).toEqual([
      'attributes',
      'add-members',
      'attributes',
    ]);
  });

  it('may remove ten thousand members with one operation each', () => {
    const operations = Array.from({ length: 10_000 }, (_, at) => ({
      op: 'remove',
      path: `members[value eq "${at}"]`,
    }));
    expect(edits(...operations)).toMatchObject([{ kind: 'remove-members', values: { length: 10_000 } }]);
  });

  it.each([
    [
      'changes what a member is',
      { op: 'replace', path: 'members[value eq "1"].display', value: 'x' },
      '400 mutability',
    ],
    [
      'changes a member',
      { op: 'replace', path: 'members[value eq "1"]', value: { value: '2' } },
      '400 mutability',
    ],
    [
      'adds to a member',
      { op: 'add', path: 'members[value eq "1"]', value: { display: 'x' } },
      '400 mutability',
    ],
    ['changes all members', { op: 'replace', path: 'members.type', value: 'User' }, '400 mutability'],
    [
      'asks for what members do not have',
      { op: 'remove', path: 'members[shoeSize eq 4]' },
      '400 invalidFilter',
    ],
    ['is for what groups do not have', { op: 'add', path: 'emails', value: [] }, '400 invalidPath'],
    ['has what groups do not have', { op: 'add', value: { emails: [], members: [] } }, '400 invalidSyntax'],
    ['has no operation', { op: 'add' }, '400 invalidSyntax'],
  ])('is rejected when it %s', (_, operation, expected) => {
    expect(refused(operation)).toBe(expected);
  });
});

/** The expected effect of edits, with the members in memory. */
function applyEdits(before: ReadonlySet<string>, all: readonly GroupEdit[]): Set<string> {
  return all.reduce((members, edit) => {
    switch (edit.kind) {
      case 'add-members':
        return new Set([...members, ...edit.members.map(({ value }) => value)]);
      case 'remove-members':
        return new Set([...members].filter((each) => !edit.values.includes(each)));
      case 'remove-members-matching':
        return new Set([...members].filter((value) => !matches(edit.filter, { value })));
      case 'replace-members':
        return new Set(edit.members.map(({ value }) => value));
      case 'attributes':
        return members;
    }
  }, new Set(before));
}

describe('a PATCH of a group with any content', () => {
  const ids = fc.constantFrom('1', '2', '3', '4');
  const lists = fc.array(ids, { maxLength: 3 });
  const operations = fc.oneof(
    ids.map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` })),
    ids.map((id) => ({ op: 'remove', path: `members[value gt "${id}"]` })),
    lists.map((all) => ({ op: 'add', path: 'members', value: all.map((value) => ({ value })) })),
    lists.map((all) => ({
      op: 'replace',
      value: { displayName: 'B', members: all.map((value) => ({ value })) },
    })),
    fc.constant({ op: 'remove', path: 'members' }),
  );

  it('produces the same members as applying it to the fully loaded group', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(ids),
        fc.array(operations, { minLength: 1, maxLength: 6 }),
        (before, given) => {
          let document: Readonly<Record<string, unknown>> = {
            displayName: 'A',
            ...(before.length > 0 && { members: before.map((value) => ({ value })) }),
          };
          for (const operation of given) {
            // Removing an unknown member from a document is an error (noTarget); for a group it is already done.
            isAnswered(
              () => (document = applyPatch(document, readPatch(body(operation)), groupType)),
              'noTarget',
            );
          }
          const loaded = (document.members ?? []) as { value: string }[];
          expect([...applyEdits(new Set(before), edits(...given))].sort()).toEqual(
            loaded.map(({ value }) => value).sort(),
          );
        },
      ),
      { numRuns },
    );
  });

  it('is parsed or rejected with a reason', () => {
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom([{ value: '1' }], { members: [{ value: '1' }] }, { value: '1' }, { displayName: 'B' }),
    );
    const paths = fc.oneof(
      fc.constantFrom('members', 'members[value eq "1"]', 'members.value', 'displayName', null),
      fc.string(),
    );
    const ops = fc.constantFrom('add', 'Remove', 'replace', 'move');
    const given = fc.array(fc.record({ op: ops, path: paths, value: values }, { requiredKeys: [] }), {
      minLength: 1,
    });
    const reasons = ['invalidSyntax', 'invalidPath', 'invalidFilter', 'invalidValue', 'mutability'] as const;
    fc.assert(
      fc.property(given, (all) => isAnswered(() => edits(...all), ...reasons)),
      { numRuns },
    );
  });
});
