import { groupType, resourceTypes, userType } from '../schema/resource-types.ts';
import { knownName, maskedFilter, maskedPath } from './masked.ts';

const secret = 'hunter2';

describe('a filter in the log', () => {
  it.each([
    ['userName eq "ada@example.com"', 'userName eq "ada@example.com"'],
    ['USERNAME sw "ada"', 'userName sw "ada"'],
    ['externalId eq "00u1" or id eq "7"', 'externalId eq "00u1" or id eq "7"'],
    ['active eq true', 'active eq true'],
    ['emails[type eq "work" and value co "hunter2"]', 'emails[type eq "work" and value co …]'],
    ['members[value eq "7"]', 'members[value eq "7"]'],
    [
      'not (title eq "hunter2" and (userName pr or title pr))',
      'not (title eq … and (userName pr or title pr))',
    ],
    ['name.familyName eq "hunter2"', 'name.familyName eq …'],
    ['emails.type eq "hunter2"', 'emails.type eq …'],
    ['password eq "hunter2"', '…'],
    [`password eq 'hunter2'`, '…'],
    ['token eq "hunter2"', '…'],
    ['hunter2 pr', '…'],
    ['userName eq "ada" and hunter2', '…'],
    ['hunter2', '…'],
    ['', '…'],
  ])('%s is recorded as %s', (given, told) => {
    expect(maskedFilter(given, resourceTypes)).toBe(told);
  });

  it('masks a value that is longer than a user name can be', () => {
    expect(maskedFilter(`userName eq "${'a'.repeat(257)}"`, [userType])).toBe('userName eq …');
  });
});

describe('a path in the log', () => {
  it.each([
    ['displayName', 'displayName'],
    ['name.givenName', 'name.givenName'],
    ['emails[type eq "work"].value', 'emails[type eq "work"].value'],
    ['emails[value eq "hunter2"].value', 'emails[value eq …].value'],
    ['members[value eq "7"]', 'members[value eq "7"]'],
    ['hunter2', '…'],
    ['emails[hunter2]', '…'],
  ])('%s is recorded as %s', (given, told) => {
    const path = maskedPath(given, resourceTypes);
    expect(path).toBe(told);
    expect(path).not.toContain(secret);
  });
});

it('recognizes names of schemas and attributes in any case, and no other names', () => {
  expect(knownName('DISPLAYNAME', [groupType])).toBe('displayName');
  expect(knownName('urn:ietf:params:scim:schemas:extension:enterprise:2.0:user', [userType])).toMatch(
    /User$/,
  );
  expect(knownName('hunter2', resourceTypes)).toBeNull();
  expect(knownName('userName', [groupType])).toBeNull();
});
