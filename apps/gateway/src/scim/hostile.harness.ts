import fc from 'fast-check';
import { words } from './generated.harness.ts';

/** Malformed requests, made from valid ones. */

export const hostileTexts = fc.oneof(
  fc.constantFrom(
    ...['', ' ', '\0', 'a\0b', '\uD800', '\uDC00x', '__proto__', 'constructor', 'toString', 'hasOwnProperty'],
    ...["'; DROP TABLE identity; --", '$1', '%00', '\\', '"', '../..', '\r\nx-injected: 1', '\u001b[31m'],
    ...['bulkId:a', 'scim:x', 'a'.repeat(300), 'ß'.repeat(1_024), '😀'.repeat(600), 'null', '-1', '1e999'],
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

export const hostileValues: fc.Arbitrary<unknown> = fc.oneof(
  hostileTexts,
  words,
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -0,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    [],
    {},
    [[]],
    [null],
    [{}],
    { a: {} },
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: 10, max: 2_000 }).map((depth) => nested(depth)),
);

const nested = (depth: number): unknown => {
  let value: unknown = 'x';
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
};

const hostileKeys = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('USERNAME', 'Emails', 'name', 'id', 'meta', 'schemas', 'password', 'active'),
  },
  { weight: 1, arbitrary: hostileTexts },
);

/** A body with a part removed, replaced or added, at any depth. */
function damaged(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return hostileValues;
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const rebuilt = (changed: readonly (readonly [string, unknown])[]): unknown =>
    Array.isArray(value) ? changed.map(([, each]) => each) : Object.fromEntries(changed);
  const added = fc.tuple(hostileKeys, hostileValues).map((entry) => rebuilt([...entries, entry]));
  if (entries.length === 0) return added;
  const within = fc.nat({ max: entries.length - 1 }).chain((at) => {
    const [key, old] = entries[at]!;
    const put = (each: unknown) => rebuilt(entries.with(at, [key, each]));
    return fc.oneof(
      { weight: 3, arbitrary: damaged(old).map(put) },
      { weight: 1, arbitrary: hostileValues.map(put) },
      { weight: 1, arbitrary: fc.constant(rebuilt(entries.toSpliced(at, 1))) },
    );
  });
  return fc.oneof({ weight: 4, arbitrary: within }, { weight: 1, arbitrary: added });
}

/** Unchanged, or damaged once or twice. */
export const perhapsDamaged = (bodies: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: bodies }, bodies.chain(damaged), bodies.chain(damaged).chain(damaged));

/** A text with a part cut out or inserted. */
export const mutilated = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.nat({ max: 60 }),
      fc.nat({ max: 8 }),
      fc.oneof(fc.constant(''), fc.constantFrom('(', ')', '[', '"', '\\', '.', '\0', ' eq ')),
    )
    .map(([text, at, length, put]) => text.slice(0, at) + put + text.slice(at + length));
