import fc from 'fast-check';
import { line, toLine } from './text.ts';

describe('text', () => {
  it('that was made a line is accepted as a line, whatever it contained', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(
        units,
        fc.integer({ min: 1, max: 60 }),
        (text, max) => line(max).safeParse(toLine(text, max)).success,
      ),
    );
  });

  it.each(['a\0b', 'a\nb', '\ud800'])('is rejected if it cannot be stored or shown: %j', (text) => {
    expect(line(10).safeParse(text).success).toBe(false);
  });
});
