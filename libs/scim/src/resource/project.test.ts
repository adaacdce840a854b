import { ENTERPRISE, USER } from '../scim.harness.ts';
import { PROVISIONING_URN } from '../schema/provisioning.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { defaultSelection, isSelected, namesOf, project, type Selection } from './project.ts';

const jane = {
  schemas: [USER, ENTERPRISE],
  id: '1',
  userName: 'jane@example.com',
  name: { givenName: 'Jane', familyName: 'Doe' },
  emails: [{ value: 'jane@example.com', type: 'work', primary: true }, { value: 'j@example.com' }],
  password: 'never to be seen',
  meta: { resourceType: 'User', location: 'https://foyer.example.com/scim/v2/Users/1' },
  [ENTERPRISE]: { department: 'R&D', manager: { value: '7' } },
};
const only = (...names: string[]): Selection => ({
  attributes: namesOf(names, userType),
  excluded: new Map(),
});
const without = (...names: string[]): Selection => ({
  attributes: null,
  excluded: namesOf(names, userType),
});
const { schemas, id } = jane;

describe('RFC 7644, section 3.9: the attributes that a response contains', () => {
  it('are all but the password, if no attributes are requested', () => {
    const { password: _, ...rest } = jane;
    expect(project(jane, userType, defaultSelection)).toEqual(rest);
  });

  it.each([
    [['userName'], { userName: jane.userName }],
    [['USERNAME', 'shoeSize', '', '__proto__'], { userName: jane.userName }],
    [['shoeSize'], {}],
    [['name.givenName'], { name: { givenName: 'Jane' } }],
    [['name.givenName', 'name'], { name: jane.name }],
    [['name', 'name.givenName'], { name: jane.name }],
    [['emails.value'], { emails: [{ value: 'jane@example.com' }, { value: 'j@example.com' }] }],
    [['emails.type'], { emails: [{ type: 'work' }] }],
    [[ENTERPRISE], { [ENTERPRISE]: jane[ENTERPRISE] }],
    [[`${ENTERPRISE}:manager.value`], { [ENTERPRISE]: { manager: { value: '7' } } }],
    [['password'], {}],
    [['photos'], {}],
  ])('are the requested ones and those that are always returned: %j', (names, expected) => {
    expect(project(jane, userType, only(...names))).toEqual({ schemas, id, ...expected });
  });

  it('are all but the excluded ones, and those that are always returned', () => {
    const given = project(
      jane,
      userType,
      without('id', 'schemas', 'emails.type', 'name', ENTERPRISE, 'meta'),
    );
    expect(given).toEqual({
      schemas,
      id,
      userName: jane.userName,
      emails: [{ value: 'jane@example.com', primary: true }, { value: 'j@example.com' }],
    });
  });

  it('include pending members only if they are requested by name', () => {
    const group = {
      id,
      displayName: 'A',
      [PROVISIONING_URN]: { inStep: true, waitingMembers: [{ value: '9' }] },
    };
    expect(project(group, groupType, defaultSelection)).toEqual({
      id,
      displayName: 'A',
      [PROVISIONING_URN]: { inStep: true },
    });
    const attributes = namesOf([`${PROVISIONING_URN}:waitingMembers`], groupType);
    expect(project(group, groupType, { attributes, excluded: new Map() })).toEqual({
      id,
      [PROVISIONING_URN]: { waitingMembers: [{ value: '9' }] },
    });
  });

  it('can be determined before the resource is loaded', () => {
    const asks = (selection: Partial<Selection>) =>
      isSelected({ ...defaultSelection, ...selection }, 'members', groupType);
    expect(asks({})).toBe(true);
    expect(asks({ excluded: namesOf(['members'], groupType) })).toBe(false);
    expect(asks({ excluded: namesOf(['members.display'], groupType) })).toBe(true);
    expect(asks({ attributes: namesOf(['displayName'], groupType) })).toBe(false);
    expect(asks({ attributes: namesOf(['members.value'], groupType) })).toBe(true);
    const waiting = `${PROVISIONING_URN}:waitingMembers`;
    expect(isSelected(defaultSelection, waiting, groupType)).toBe(false);
    expect(
      isSelected({ ...defaultSelection, attributes: namesOf([waiting], groupType) }, waiting, groupType),
    ).toBe(true);
  });
});
