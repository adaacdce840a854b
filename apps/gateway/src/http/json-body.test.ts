import { jest } from '@jest/globals';
import { MAX_JSON_DEPTH, MalformedJson, parseJson, tooDeepAt } from './json-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

it('stops reading a body as soon as it is nested too deep, and never parses it', () => {
  const parse = jest.spyOn(JSON, 'parse');
  try {
    for (const body of ['['.repeat(5_000_000), '{"a":'.repeat(1_000_000), `[${'['.repeat(100)}`]) {
      expect(() => parseJson(bytes(body))).toThrow(MalformedJson);
    }
    expect(parse).not.toHaveBeenCalled();
  } finally {
    parse.mockRestore();
  }
  expect(tooDeepAt(bytes('['.repeat(5_000_000)))).toBe(MAX_JSON_DEPTH);
  expect(tooDeepAt(bytes('{"a":'.repeat(1_000_000)))).toBe(MAX_JSON_DEPTH * 5);
});

it('counts open brackets only, and ignores brackets in text', () => {
  const flat = `[${'[],{},'.repeat(1_000)}1]`;
  expect(parseJson(bytes(flat))).toHaveLength(2_001);
  const text = { a: '['.repeat(1_000), '{"\\': '\\"[[[[' + '{'.repeat(100) };
  expect(parseJson(bytes(JSON.stringify(text)))).toEqual(text);
  expect(parseJson(bytes(nested(MAX_JSON_DEPTH)))).toEqual(JSON.parse(nested(MAX_JSON_DEPTH)));
  expect(() => parseJson(bytes(nested(MAX_JSON_DEPTH + 1)))).toThrow('deeper than 64');
});

it.each(['', '{', '"', '"\\', ']', '[}', '{"a":}', '\xff'])('refuses %j because it is not JSON', (text) => {
  expect(() => parseJson(Buffer.from(text, 'latin1'))).toThrow(MalformedJson);
});
