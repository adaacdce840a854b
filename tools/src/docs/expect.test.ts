import { shows, withIds, type Ids } from './expect.ts';

const A = '9d5e9640-8ccb-4871-a6ca-fcfe14dfc46a';
const B = 'e78b48e6-2337-4f4c-a15c-684adc453c39';
const X = '00000000-0000-4000-8000-000000000001';
const Y = '00000000-0000-4000-8000-000000000002';

describe('the output that a document shows', () => {
  it.each([
    ['{ "a": 1 }', '{"a":1}'],
    ['"at": "2026-11-21T09:00:00.000Z"', '"at":"2027-01-01T10:11:12.345Z"'],
    ['Box user 31415926535', 'Box user 1795253999732'],
    [
      'HTTP/1.1 201 Created\n…foyer-request: …',
      'HTTP/1.1 201 Created\r\nX-Other: 1\r\nfoyer-request: http://x',
    ],
    ['a (b) [c] $d ^e', 'a (b) [c] $d ^e'],
  ])('%j is in %j', (shown, printed) => {
    expect(shows(printed, shown, new Map())).toBe(true);
  });

  it.each([
    ['{ "a": 1 }', '{"a":2}'],
    ['"status": "succeeded"', '"status": "failed"'],
    ['201 Created', '409 Conflict'],
    ['Box user 31415926535', 'Box user none'],
  ])('%j is not in %j', (shown, printed) => {
    expect(shows(printed, shown, new Map())).toBe(false);
  });

  it('accepts a different id for an id, and then expects the same one again', () => {
    const ids: Ids = new Map();
    expect(shows(`id ${X}, again ${X}, other ${Y}`, `id ${A}, again ${A}, other ${B}`, ids)).toBe(true);
    expect(withIds(`curl /Users/${A}`, ids)).toBe(`curl /Users/${X}`);
    expect(shows(`id ${X}`, `id ${A}`, ids)).toBe(true);
    expect(shows(`id ${Y}`, `id ${A}`, ids)).toBe(false);
  });

  it('does not accept one id for two different ids', () => {
    expect(shows(`${X} and ${Y}`, `${A} and ${A}`, new Map())).toBe(false);
  });
});
