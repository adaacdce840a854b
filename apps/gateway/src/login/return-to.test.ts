import { describe, expect, test } from '@jest/globals';
import { safeReturnTo } from './return-to.ts';

const base = 'https://foyer.example.com';

describe('a path to return to', () => {
  test.each(['/', '/docs', '/v1/me?x=1&y=%2F#part', '/a/../b', '/loginless', '/%2F%2Fevil.example.com'])(
    '%s is kept within the origin',
    (path) => {
      const kept = safeReturnTo(path, base);
      expect(new URL(kept, base).href).toBe(new URL(path, base).href);
      expect(new URL(kept, base).origin).toBe(base);
    },
  );

  test.each([
    undefined,
    ['/a', '/b'],
    '',
    'docs',
    'https://evil.example.com/',
    'https:evil.example.com',
    '//evil.example.com',
    '/\\evil.example.com',
    '\\/evil.example.com',
    '/\t/evil.example.com',
    '/\n/evil.example.com',
    '/.//evil.example.com',
    '/x/..//evil.example.com',
    '/%2e//evil.example.com',
    '/a\\b',
    ' //evil.example.com',
    '/\u0000',
    '/ünicode',
    'javascript:alert(1)',
    `/${'a'.repeat(1_000)}`,
    '/login',
    '/LOGIN',
    '/login/?returnTo=/x',
    '/logout',
    '/authorization-code/callback?code=x',
  ])('%j is rejected', (asked) => {
    expect(safeReturnTo(asked, base)).toBe('/');
  });
});
