import fc from 'fast-check';
import { ENTERPRISE, filters, numRuns, users } from '../scim.harness.ts';
import { userType } from '../schema/resource-types.ts';
import { matches } from './matches.ts';
import { parseFilter } from './parse.ts';

const barbara = {
  id: '1',
  userName: 'Barbara@example.com',
  externalId: 'Ab',
  active: true,
  title: '',
  name: { familyName: 'Jensen' },
  emails: [
    { value: 'barbara@example.com', type: 'work', primary: true },
    { value: 'babs@home.example.com', type: 'home' },
    { value: 'b@example.com' },
  ],
  meta: { created: '2020-01-01T10:00:00.5Z' },
  [ENTERPRISE]: { department: 'R&D' },
};
const holds = (text: string) => matches(parseFilter(text, userType), barbara);

describe('RFC 7644, section 3.4.2.2: evaluating a filter', () => {
  it.each([
    ['userName eq "barbara@EXAMPLE.com"', true],
    ['externalId eq "Ab"', true],
    ['externalId eq "ab"', false],
    ['userName ne "barbara@example.com"', false],
    ['userName co "@EXAMPLE"', true],
    ['userName sw "barb"', true],
    ['userName ew ".COM"', true],
    ['userName gt "a"', true],
    ['userName lt "c"', true],
    ['userName ge "BARBARA@example.com"', true],
    ['userName le "BARBARA@example.com"', true],
    ['userName gt "BARBARA@example.com"', false],
    ['active eq true', true],
    ['active ne true', false],
    ['name.familyName eq "jensen"', true],
    [`${ENTERPRISE}:department eq "r&d"`, true],
    [`${ENTERPRISE} pr`, true],
  ])('%s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it.each([
    ['meta.created eq "2020-01-01T11:00:00.500+01:00"', true],
    ['meta.created gt "2020-01-01T10:00:00Z"', true],
    ['meta.created lt "2020-01-01T10:00:01Z"', true],
    ['meta.created ge "2020-01-01T12:00:00+01:00"', false],
  ])('compares timestamps by time: %s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it.each([
    ['nickName eq "a"', false],
    ['nickName ne "a"', true],
    ['nickName co ""', false],
    ['nickName lt "a"', false],
    ['nickName eq null', true],
    ['nickName ne null', false],
    ['userName eq null', false],
    ['userName ne null', true],
    ['nickName pr', false],
    ['title pr', false],
    ['name pr', true],
    ['name.givenName pr', false],
    ['photos pr', false],
  ])('treats a missing attribute as not present: %s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it.each([
    ['emails eq "b@example.com"', true],
    ['emails co "home"', true],
    ['emails.type eq "work"', true],
    ['emails.type ne "work"', true],
    ['emails.type eq null', true],
    ['emails[type eq "work" and value co "home"]', false],
    ['emails.type eq "work" and emails.value co "home"', true],
    ['emails[type eq "home"].value sw "babs"', true],
    ['emails[not (type pr)]', true],
    ['photos[type ne "photo"]', false],
    ['photos.type ne "photo"', true],
    ['not (emails[type eq "other"])', true],
  ])('matches if any value of a multi-valued attribute matches: %s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it('orders text by code points, as PostgreSQL does', () => {
    const above = parseFilter(String.raw`externalId gt "\uffee"`, userType);
    expect(matches(above, { externalId: '😀' })).toBe(true);
  });

  it('does not read properties that objects inherit', () => {
    expect(matches(parseFilter('name pr', userType), Object.create({ name: { a: 1 } }))).toBe(false);
  });
});

describe('a filter and its negation', () => {
  it('never both match, and "and" and "or" behave as in logic', () => {
    fc.assert(
      fc.property(filters, filters, users, (a, b, user) => {
        const [first, second] = [matches(a, user), matches(b, user)];
        expect(matches({ kind: 'not', filter: a }, user)).toBe(!first);
        expect(matches({ kind: 'and', filters: [a, b] }, user)).toBe(first && second);
        expect(matches({ kind: 'or', filters: [a, b] }, user)).toBe(first || second);
      }),
      { numRuns },
    );
  });
});
