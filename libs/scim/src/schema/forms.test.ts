import fc from 'fast-check';
import { numRuns } from '../scim.harness.ts';
import { compared, groupNameForm, sqlForm, userNameForm } from './forms.ts';

describe('user names, compared as RFC 8265, section 3.3, says', () => {
  it.each([
    ['case', 'ADA@Example.com', 'ada@example.com'],
    ['composed and decomposed', 'zo\u00eb@example.com', 'zoe\u0308@example.com'],
    ['a capital, composed and decomposed', 'ZO\u00cb@example.com', 'zoe\u0308@example.com'],
    ['a capital that is two characters', 'I\u0307@example.com', '\u0130@example.com'],
    ['full width', '\uff21\uff44\uff41\uff20example.com', 'ada@example.com'],
    ['a composed capital of full width', '\uff25\u0308', '\u00eb'],
    ['half width', '\uff76\uff9e', '\u30ac'],
    ['half-width Hangul, to its own jamo', '\uffa1', '\u3131'],
    ['a macron, to itself and not to a blank', '\uffe3', '\u00af'],
    ['the sign of a unit', '\u212bngstr\u00f6m', 'A\u030angstro\u0308m'],
  ])('%s: are equal', (_, one, other) => {
    expect(userNameForm(one)).toBe(userNameForm(other));
  });

  it.each([
    ['a ligature', '\ufb01n', 'fin'],
    ['a superscript', 'a\u00b2', 'a2'],
    ['an accent', 'zoe', 'zo\u00eb'],
    ['sharp s', 'stra\u00dfe', 'strasse'],
  ])('%s: are different', (_, one, other) => {
    expect(userNameForm(one)).not.toBe(userNameForm(other));
  });

  it('give the same result for every Unicode normalization form, and when they are prepared twice', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(texts, (text) => {
        const form = userNameForm(text);
        expect(userNameForm(text.normalize('NFD'))).toBe(form);
        expect(userNameForm(text.normalize('NFC'))).toBe(form);
        expect(userNameForm(form)).toBe(form);
      }),
      { numRuns },
    );
  });
});

it('names of groups are compared as Box does: white space collapsed, case ignored', () => {
  for (const name of ['Team A', 'team  a', 'TEAM\ta', 'Team\u00a0A', 'Team\u3000\u2003A', 'Team\ufeffA'])
    expect(groupNameForm(name)).toBe('team a');
  expect(groupNameForm('TeamA')).not.toBe('team a');
});

it('each normalized form has a matching function in the database', () => {
  expect(sqlForm({ caseExact: true })).toBeNull();
  expect(compared({ caseExact: true, form: 'key' }, 'A\u0308')).toBe('A\u0308');
  expect(sqlForm({ caseExact: false })).toBe('scim_fold');
  expect(sqlForm({ caseExact: false, form: 'user-name' })).toBe('scim_user_name');
});
