import fc from 'fast-check';
import { ENTERPRISE, filters, isAnswered, numRuns, print, ref, refusal, USER } from '../scim.harness.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import type { Filter } from './filter.ts';
import { MAX_FILTER_CLAUSES, MAX_FILTER_DEPTH, parseFilter } from './parse.ts';
import { MAX_FILTER_LENGTH } from './reader.ts';

const parse = (text: string) => parseFilter(text, userType);
const printed = (text: string) => print(parse(text));
const refused = (text: string) => refusal(() => parse(text));
const eq = (name: string, value: string | boolean): Filter => ({
  kind: 'compare',
  op: 'eq',
  attribute: ref(name),
  value,
});

describe('RFC 7644, section 3.4.2.2: valid filters', () => {
  it('have attributes resolved to the names of the schema, one step per level', () => {
    expect(parse('userName eq "bjensen"')).toEqual(eq('userName', 'bjensen'));
    expect(parse('EMAILS.Value eq "a@example.com"')).toMatchObject({
      attribute: {
        steps: [
          { key: 'emails', multiValued: true },
          { key: 'value', multiValued: false },
        ],
        leaf: { name: 'value' },
      },
    });
    expect(parse(`${ENTERPRISE}:Manager.displayName pr`)).toMatchObject({
      attribute: { steps: [{ key: ENTERPRISE }, { key: 'manager' }, { key: 'displayName' }] },
    });
  });

  it.each([
    ['userName Eq "john"', 'userName eq "john"'],
    [`name.familyName co "O'Malley"`, `name.familyName co "O'Malley"`],
    ['userName sw "J"', 'userName sw "J"'],
    [`${USER}:userName sw "J"`, 'userName sw "J"'],
    [`${USER.toUpperCase()}:USERNAME sw "J"`, 'userName sw "J"'],
    ['title pr', 'title pr'],
    ['meta.lastModified gt "2011-05-13T04:42:34Z"', 'meta.lastModified gt "2011-05-13T04:42:34.000Z"'],
    ['meta.lastModified le "2011-05-13T04:42:34+02:00"', 'meta.lastModified le "2011-05-13T02:42:34.000Z"'],
    ['title pr and userType eq "Employee"', '(title pr) and (userType eq "Employee")'],
    ['title pr or userType eq "Intern"', '(title pr) or (userType eq "Intern")'],
    [`schemas eq "${ENTERPRISE}"`, `schemas eq "${ENTERPRISE}"`],
    ['emails co "example.com"', 'emails.value co "example.com"'],
    [
      'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
      '(userType eq "Employee") and ((emails.value co "example.com") or (emails.value co "example.org"))',
    ],
    [
      'userType ne "Employee" and not (emails co "example.com")',
      '(userType ne "Employee") and (not (emails.value co "example.com"))',
    ],
    [
      'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
      '(emails[(type eq "work") and (value co "@example.com")]) or (ims[(type eq "xmpp") and (value co "@foo.com")])',
    ],
  ])('parse: %s', (text, expected) => {
    expect(printed(text)).toBe(expected);
  });

  it.each([
    ['"and" before "or"', 'a or b and c or d', '(a) or ((b) and (c)) or (d)'],
    ['"not" before "and"', 'not (a) and b', '(not (a)) and (b)'],
    ['parentheses first', '(a or b) and c', '((a) or (b)) and (c)'],
    ['parentheses that say nothing', '(((a)))', 'a'],
    ['"not" in "not"', 'not (not (a))', 'not (not (a))'],
    ['operators in any case', 'a AND NOT(b) Or c', '((a) and (not (b))) or (c)'],
    ['more blanks than needed', '  ( a\tand   b )  ', '(a) and (b)'],
  ])('keep the precedence: %s', (_, text, expected) => {
    const letters = { a: 'title pr', b: 'locale pr', c: 'active eq true', d: 'nickName pr' };
    const filled = (each: string) =>
      each.replace(/\b[abcd]\b/g, (letter) => letters[letter as keyof typeof letters]);
    expect(printed(filled(text))).toBe(filled(expected));
  });

  it.each([
    [String.raw`userName eq "say \"hi\" \\ \/"`, String.raw`say "hi" \ /`],
    [String.raw`userName eq "\u0041\ud83d\ude00"`, 'A😀'],
    ['userName eq ") and (]"', ') and (]'],
    ['userName eq ""', ''],
    ['active eq false', false],
    ['active eq "True"', true],
    ['active eq TRUE', true],
    ['title eq null', null],
  ])('have their value parsed: %s', (text, value) => {
    expect(parse(text)).toMatchObject({ value });
  });

  it('treat a comparison after the brackets as one more condition on the element', () => {
    expect(printed('emails[type eq "work"].value sw "a"')).toBe(
      'emails[(type eq "work") and (value sw "a")]',
    );
    expect(printed('emails[type eq "work"].value pr and title pr')).toBe(
      '(emails[(type eq "work") and (value pr)]) and (title pr)',
    );
  });

  it('use the attributes of the resource type that is queried', () => {
    expect(print(parseFilter('members eq "1"', groupType))).toBe('members.value eq "1"');
    expect(refusal(() => parseFilter('userName eq "1"', groupType))).toBe('400 invalidFilter');
  });
});

describe('RFC 7644, section 3.4.2.2: invalid filters', () => {
  it.each([
    '',
    ' ',
    'userName',
    'userName eq',
    'userName eq "a',
    'userName eq "a\\"',
    'userName eq a',
    "userName eq 'a'",
    'userName eq "a" and',
    'userName eq "a" title pr',
    'userName eq "a")',
    '(userName eq "a"',
    '()',
    'not userName pr',
    'not',
    'and',
    'eq "a"',
    'userName is "a"',
    'userName constructor "a"',
    '__proto__ pr',
    'constructor pr',
    'userName.constructor pr',
    'userName.value eq "a"',
    'shoeSize gt 40',
    'urn:ietf:params:scim:schemas:core:2.0:Device:userName pr',
    `${USER} pr`,
    `${ENTERPRISE}: pr`,
    `${ENTERPRISE}:shoeSize pr`,
    'name eq "a"',
    'addresses eq "a"',
    'userName[value eq "a"]',
    'emails[]',
    'emails[type eq "work"',
    'emails[type eq "work"].shoeSize eq "1"',
    'emails[type eq "work"].value',
    'emails[emails[type eq "work"]]',
    'emails[userName eq "a"]',
    'userName eq "\\x"',
    'userName eq "\\u12"',
    'userName eq "a\nb"',
    'userName eq "\\u0000"',
    'userName eq "\\ud800"',
  ])('are rejected: %j', (text) => {
    expect(refused(text)).toBe('400 invalidFilter');
  });

  it.each([
    'active gt true',
    'active co "t"',
    'active eq "yes"',
    'active eq 1',
    'userName eq 5',
    'userName eq true',
    'userName gt null',
    'userName co null',
    'x509Certificates gt "MII="',
    'x509Certificates.value le "MII="',
    'meta.created sw "2020"',
    'meta.created eq "yesterday"',
    'meta.created eq "2020-02-30T00:00:00Z"',
    'meta.created eq "0000-01-01T00:00:00Z"',
    'meta.created eq 5',
  ])('are rejected when an operator does not fit the type: %s', (text) => {
    expect(refused(text)).toBe('400 invalidFilter');
  });

  it.each(['password eq "x"', 'password pr', `${USER}:Password sw "x"`, 'title pr or (password ne "x")'])(
    'are rejected when they refer to the password: %s (section 7.5.2)',
    (text) => {
      expect(refused(text)).toBe('403 sensitive');
    },
  );

  it('are reported with the position and the reason', () => {
    expect(() => parse('userName eq "a" and shoeSize gt 4')).toThrow(
      'The filter is wrong at character 29: There is no attribute "shoeSize".',
    );
  });
});

describe('the limits of a filter', () => {
  const nested = (depth: number) => '('.repeat(depth) + 'title pr' + ')'.repeat(depth);
  const chained = (count: number) => Array<string>(count).fill('title pr').join(' and ');

  it('count nesting, not parentheses', () => {
    const beside = Array<string>(MAX_FILTER_DEPTH + 1)
      .fill('(title pr)')
      .join(' or ');
    expect(parse(beside)).toMatchObject({ kind: 'or', filters: { length: MAX_FILTER_DEPTH + 1 } });
  });

  it('admit filters up to the documented size', () => {
    expect(printed(nested(MAX_FILTER_DEPTH))).toBe('title pr');
    expect(parse(chained(MAX_FILTER_CLAUSES))).toMatchObject({ kind: 'and' });
    const longest = `userName eq "${'x'.repeat(MAX_FILTER_LENGTH - 14)}"`;
    expect(longest).toHaveLength(MAX_FILTER_LENGTH);
    expect(parse(longest)).toMatchObject({ kind: 'compare' });
  });

  it.each([
    ['nesting', nested(MAX_FILTER_DEPTH + 1)],
    ['nesting in "not"', 'not ('.repeat(MAX_FILTER_DEPTH + 1)],
    ['nesting cut in half', '('.repeat(8_000)],
    ['comparisons', chained(MAX_FILTER_CLAUSES + 1)],
    ['characters', `userName eq "${'x'.repeat(MAX_FILTER_LENGTH)}"`],
    ['characters, a hundred million of them', '('.repeat(100_000_000)],
  ])('reject more %s', (_, text) => {
    expect(refused(text)).toBe('400 invalidFilter');
  });

  it.each([
    ['backslashes', `userName eq "${'\\'.repeat(8_000)}`],
    ['quotation marks', '"'.repeat(8_000)],
    ['blanks', `userName${' '.repeat(8_000)}`],
    ['digits', `userName eq ${'1'.repeat(8_000)}x`],
    ['dots', `userName${'.a'.repeat(4_000)} pr`],
    ['brackets', 'emails['.repeat(1_000)],
  ])('reject a long run of %s', (_, text) => {
    expect(refused(text)).toBe('400 invalidFilter');
  });
});

describe('a filter with any content', () => {
  it('is parsed to the same filter after it was printed', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(print(parse(print(filter)))).toBe(print(filter));
      }),
      { numRuns },
    );
  });

  const pieces = fc.constantFrom(
    ...['userName', 'emails', 'password', 'meta.created', `${ENTERPRISE}:department`, '.value', 'title'],
    ...[
      'eq',
      'pr',
      'gt',
      'co',
      'and',
      'or',
      'not',
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      ' ',
      'true',
      'null',
      '-1e9',
      '"a"',
    ],
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join('')),
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join(' ')),
    fc.tuple(filters, fc.nat()).map(([filter, at]) => {
      const text = print(filter);
      return text.slice(0, at % (text.length + 1));
    }),
  );

  it('is parsed or rejected as an invalid filter', () => {
    fc.assert(
      fc.property(texts, (text) => isAnswered(() => parse(text), 'invalidFilter', 'sensitive')),
      { numRuns },
    );
  });
});
