import fc from 'fast-check';
import { BOX_NAME_MAX, boxDisplayName } from './display-name.ts';

const person = (name: string, username = 'ada@example.com') => ({ name, username, subject: '00u1' });

describe('boxDisplayName', () => {
  it('keeps a name that fits, with white space folded', () => {
    expect(boxDisplayName(person('  Ada \t Example '))).toBe('Ada Example');
  });

  it('takes the user name, then the subject, for a person without a name', () => {
    expect(boxDisplayName(person('   '))).toBe('ada@example.com');
    expect(boxDisplayName(person('', ' '))).toBe('00u1');
  });

  it('cuts between characters and adds an ellipsis', () => {
    const family = '👩‍👩‍👧‍👦';
    const name = boxDisplayName(person('a'.repeat(45) + family + 'b'));
    expect(name).toBe(`${'a'.repeat(45)}…`);
  });

  it('is always 1 to 50 UTF-16 units of well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (name) => {
        const shown = boxDisplayName(person(name));
        return shown.length >= 1 && shown.length <= BOX_NAME_MAX && shown.isWellFormed();
      }),
    );
  });
});
