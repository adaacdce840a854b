import fc from 'fast-check';
import { ENTERPRISE, filters, isAnswered, numRuns, print, refusal, titled, USER } from '../scim.harness.ts';
import { nameOf } from '../schema/attribute-ref.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { parsePath } from './path.ts';

function parsed(text: string) {
  const { attribute, filter, sub } = parsePath(text, userType);
  return [nameOf(attribute), filter && print(filter), sub?.name ?? null];
}

describe('RFC 7644, section 3.5.2: the path of a PATCH operation', () => {
  it.each([
    ['userName', ['userName', null, null]],
    ['USERNAME', ['userName', null, null]],
    ['name.familyName', ['name.familyName', null, null]],
    [`${USER}:name.familyName`, ['name.familyName', null, null]],
    ['emails', ['emails', null, null]],
    ['emails.value', ['emails', null, 'value']],
    ['emails[type eq "work"]', ['emails', 'type eq "work"', null]],
    ['Emails[TYPE eq "work"].Value', ['emails', 'type eq "work"', 'value']],
    [`${USER}:emails[type eq "a b]c"].value`, ['emails', 'type eq "a b]c"', 'value']],
    ['addresses[not (primary eq true)].country', ['addresses', 'not (primary eq true)', 'country']],
    [ENTERPRISE, [ENTERPRISE, null, null]],
    [`${ENTERPRISE.toUpperCase()}:MANAGER.value`, [`${ENTERPRISE}:manager.value`, null, null]],
    [' userName ', ['userName', null, null]],
  ])('is parsed: %s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  it.each(
    titled(
      ['', '400 invalidPath'],
      ['shoeSize', '400 invalidPath'],
      ['members', '400 invalidPath'],
      ['userName.value', '400 invalidPath'],
      ['userName[value eq "a"]', '400 invalidPath'],
      ['emails.', '400 invalidPath'],
      ['emails[type eq "work"].', '400 invalidPath'],
      ['emails[type eq "work"].value.more', '400 invalidPath'],
      ['emails[type eq "work"] .value', '400 invalidPath'],
      ['emails[type eq "work"][type eq "home"]', '400 invalidPath'],
      ['emails"', '400 invalidPath'],
      [USER, '400 invalidPath'],
      ['x'.repeat(10_000), '400 invalidPath'],
      ['emails[]', '400 invalidFilter'],
      ['emails[type eq "work"', '400 invalidFilter'],
      ['emails[userName eq "a"]', '400 invalidFilter'],
      [`emails[${'('.repeat(5_000)}`, '400 invalidFilter'],
    ),
  )('is rejected: %s', (_, text, expected) => {
    expect(refusal(() => parsePath(text, userType))).toBe(expected);
  });

  it('uses the attributes of the resource type', () => {
    expect(nameOf(parsePath('members[value eq "1"]', groupType).attribute)).toBe('members');
  });

  it('is parsed or rejected, whatever it contains', () => {
    const pieces = fc.constantFrom(
      'emails',
      'name',
      '.value',
      '[',
      ']',
      'type',
      ' eq ',
      '"work"',
      '.',
      ':',
      ENTERPRISE,
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
      filters.map((filter) => `emails[${print(filter)}].type`),
    );
    fc.assert(
      fc.property(texts, (text) =>
        isAnswered(() => parsePath(text, userType), 'invalidPath', 'invalidFilter', 'sensitive'),
      ),
      { numRuns },
    );
  });
});
