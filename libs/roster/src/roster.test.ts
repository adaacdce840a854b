import fc from 'fast-check';
import type { BatchEntry, BatchFormat } from '@foyer/shared';
import { readRoster, rosterLimits } from './roster.ts';

const issuer = 'https://example.okta.com';

async function* inPieces(bytes: Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function* brokenOff(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error('aborted');
}

async function read(
  source: string | Uint8Array | AsyncIterable<Uint8Array>,
  format: BatchFormat = 'jsonl',
  people?: number,
): Promise<BatchEntry[]> {
  const bytes = typeof source === 'string' ? Buffer.from(source) : source;
  const stream = bytes instanceof Uint8Array ? inPieces(bytes) : bytes;
  const entries: BatchEntry[] = [];
  for await (const entry of readRoster(stream, { format, issuer, people })) entries.push(entry);
  return entries;
}

const ada = { subject: '00u1', username: 'ada@example.com', email: 'ada@example.com', name: 'Ada Example' };
const bob = { subject: '00u2', username: 'bob@example.com', name: '' };
const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const header = 'subject,username,email,name\n';
const person = (at: number, of: object) => ({ kind: 'person', line: at, person: { ...of, issuer } });
const refused = (at: number, field: string, message: unknown, subject: string | null = null) => ({
  kind: 'refused',
  line: at,
  subject,
  errors: [{ field, message }],
});
const broken = (at: number) => ({
  kind: 'stopped',
  line: at,
  why: 'The data ended before this line was complete.',
});

describe('JSON Lines', () => {
  it('is read as people, with LF or CRLF, blank lines, a byte order mark, and a last line without a line end', async () => {
    const text = `\uFEFF${JSON.stringify(ada)}\r\n\n  \n${JSON.stringify({ ...bob, issuer })}`;
    expect(await read(text)).toEqual([person(1, ada), person(4, bob)]);
  });

  it('loses no other line because of a bad one', async () => {
    const bad = [
      '{"subject":',
      'null',
      '[]',
      '"text"',
      '{"subject":"00u9","username":1,"name":"x","admin":true}',
      '{"subject":"a\\u0000b","username":"x","name":"x"}',
      JSON.stringify({ ...ada, subject: '00u8', issuer: 'https://other.example.com' }),
    ];
    const entries = await read(`${bad.join('\n')}\n${line(ada)}`);
    expect(entries).toEqual([
      refused(1, 'line', 'is not JSON'),
      refused(2, 'line', expect.stringMatching(/object/)),
      refused(3, 'line', expect.stringMatching(/object/)),
      refused(4, 'line', expect.stringMatching(/object/)),
      {
        kind: 'refused',
        line: 5,
        subject: '00u9',
        errors: [
          { field: 'username', message: expect.stringMatching(/string/) as string },
          { field: 'admin', message: 'is not known' },
        ],
      },
      refused(6, 'subject', 'must be well-formed text without NUL', 'a b'),
      refused(7, 'issuer', 'is not the issuer of this tenant', '00u8'),
      person(8, ada),
    ]);
  });

  it('rejects a person who is listed twice, and names the first line', async () => {
    expect(await read(line(ada) + line(bob) + line({ ...ada, name: 'Other' }))).toEqual([
      person(1, ada),
      person(2, bob),
      refused(3, 'subject', 'is already on line 1', '00u1'),
    ]);
  });

  it('skips a line that is too long, is not UTF-8 or has a NUL byte', async () => {
    const long = Buffer.alloc(10 * 1024 * 1024, 'x');
    const bytes = Buffer.concat([
      long,
      Buffer.from('\n{"subject":"\xff\xfe"}\n', 'latin1'),
      Buffer.from('{"subject":"\0"}\n'),
      Buffer.from(line(ada)),
    ]);
    expect(await read(inPieces(bytes, 65_536))).toEqual([
      refused(1, 'line', `is longer than ${rosterLimits.lineBytes} bytes`),
      refused(2, 'line', 'is not UTF-8'),
      refused(3, 'line', 'is not JSON'),
      person(4, ada),
    ]);
  });
});

describe('CSV', () => {
  it('is read as people, with quotes, columns in any order, and empty cells for missing values', async () => {
    const text =
      'name,username,subject,email\r\n"Example, ""Ada""",ada@example.com,00u1,\r\n,bob@example.com,00u2,""\r\n';
    expect(await read(text, 'csv')).toEqual([
      person(2, { subject: '00u1', username: 'ada@example.com', name: 'Example, "Ada"' }),
      person(3, bob),
    ]);
  });

  it('loses one line to a missing quote, and not the lines after it', async () => {
    const text = `${header}00u9,"bad,,x\n00u8,a\n00u7,a,b,c,d\n,who,,x\n00u1,ada@example.com,ada@example.com,Ada Example\n`;
    expect(await read(text, 'csv')).toEqual([
      refused(2, 'line', 'is not CSV: a quotation mark is not closed or in the wrong place'),
      refused(3, 'line', 'has 2 fields, but the header has 4'),
      refused(4, 'line', 'has 5 fields, but the header has 4'),
      refused(5, 'subject', expect.any(String)),
      person(6, ada),
    ]);
  });

  it.each([
    [
      'a column that is not known',
      'subject,username,name,phone\n',
      'phone',
      /is not a known column; the known columns are issuer/,
    ],
    ['another separator', 'subject;username;name\n', 'subject;username;name', /is not a known column/],
    ['a column twice', 'subject,username,name,subject\n', 'subject', /the name of two columns/],
    ['a column missing', 'subject,email,name\n', 'username', /missing/],
    ['an open quote', '"subject,username\n', 'header', /is not CSV/],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x0a]), 'header', /is not UTF-8/],
    ['only a header', header, 'file', /has no person/],
    ['nothing', '', 'header', /is missing/],
  ])('with %s is rejected completely', async (_, source, field, why) => {
    expect(await read(source, 'csv')).toEqual([
      { kind: 'unusable', field, why: expect.stringMatching(why) as string },
    ]);
  });
});

describe('an incomplete file', () => {
  it.each([
    ['JSON Lines', 'jsonl', line(ada), JSON.stringify(bob).slice(0, 20), 1],
    ['CSV', 'csv', `${header}00u1,ada@example.com,ada@example.com,Ada Example\n`, '00u2,"bo', 2],
    ['CSV within a row', 'csv', `${header}00u1,ada@example.com,ada@example.com,Ada Example\n`, '00u2,bo', 2],
  ] as const)(
    'in %s keeps its complete lines and reports where it ended',
    async (_, format, whole, part, at) => {
      expect(await read(whole + part, format)).toEqual([person(at, ada), broken(at + 1)]);
      expect(await read(brokenOff(Buffer.from(whole + part)), format)).toEqual([
        person(at, ada),
        broken(at + 1),
      ]);
      expect(await read(brokenOff(Buffer.from(whole)), format)).toEqual([person(at, ada), broken(at + 1)]);
    },
  );

  it('drops a last line that only looks complete when the connection broke', async () => {
    const text = `${header}00u1,ada@example.com,,Ad`;
    expect(await read(text, 'csv')).toMatchObject([{ kind: 'person' }]);
    expect(await read(brokenOff(Buffer.from(text)), 'csv')).toEqual([broken(2)]);
  });
});

it('is read up to its maximum number of people, rejected lines included', async () => {
  const lines = ['x\n', line(ada), line(bob)].join('');
  expect(await read(lines, 'jsonl', 2)).toEqual([
    refused(1, 'line', 'is not JSON'),
    person(2, ada),
    { kind: 'stopped', line: 3, why: 'A file has at most 2 people.' },
  ]);
});

it.each([
  ['256 MiB', Buffer.alloc(16 * 1024 * 1024, 'x'), 'A file has at most 256 MiB.'],
  ['250,000 lines', Buffer.alloc(64 * 1024, '\n'), 'A file has at most 250,000 lines, including blank ones.'],
])('is not read beyond %s', async (_, piece, why) => {
  async function* endless() {
    yield Buffer.from(line(ada));
    for (;;) yield piece;
  }
  expect(await read(endless())).toMatchObject([{ kind: 'person' }, { kind: 'stopped', why }]);
});

it('gives the same result however it is split into chunks, and never throws', async () => {
  const bytes = fc.array(
    fc.oneof(
      fc
        .constantFrom(line(ada), line(bob), header, '\r\n', '"', ',', '{', '\0')
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 5 }).map((some) => Buffer.from(some)),
    ),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom<BatchFormat>('jsonl', 'csv'), async (parts, format) => {
      const whole = Buffer.concat(parts);
      const at = await Promise.all([1, 3, 1000].map((size) => read(inPieces(whole, size), format)));
      expect(at[1]).toEqual(at[0]);
      expect(at[2]).toEqual(at[0]);
      expect(at[0]?.filter(({ kind }) => kind === 'stopped' || kind === 'unusable').length).toBeLessThan(2);
    }),
    { numRuns: 300 },
  );
});
