import {
  fieldErrorsOf,
  NewProvisioningRequest,
  toLine,
  type BatchEntry,
  type BatchFormat,
  type FieldError,
} from '@foyer/shared';
import { columnsOf, fieldsOf } from './csv.ts';
import { splitLines, type RawLine } from './lines.ts';

export interface RosterOptions {
  readonly format: BatchFormat;
  /** The issuer of the people: the default for each line, and the only one that a line may name. */
  readonly issuer: string;
  /** The most people in one file, including refused lines. */
  readonly people?: number;
}

/** The limits of one file. A person takes less than 8 KiB, however it is escaped. */
export const rosterLimits = {
  people: 100_000,
  lineBytes: 16 * 1024,
  lines: 250_000,
  bytes: 256 * 1024 * 1024,
} as const;

/** The most fields that are reported for one line. */
const NAMED = 20;

type Row = { readonly value: unknown } | { readonly errors: FieldError[]; readonly isCut: boolean };
type Reader = (text: string) => Row;

/**
 * Reads a file of people: JSON Lines with one object each, or CSV with a header; the fields are those of POST
 * /v1/provisioning-requests. Lines are checked one by one and then discarded; only the subjects stay in memory.
 */
export async function* readRoster(
  source: AsyncIterable<Uint8Array>,
  { format, issuer, people = rosterLimits.people }: RosterOptions,
): AsyncGenerator<BatchEntry> {
  const checker = new Checker(issuer);
  let reader: Reader | null = format === 'jsonl' ? readJson : null;
  let seen = 0;
  for await (const raw of splitLines(source, rosterLimits)) {
    if (raw.kind === 'text' && raw.text.trim() === '') continue;
    if (reader === null) {
      const header = readerOf(raw);
      if ('kind' in header) yield header;
      if ('kind' in header) return;
      reader = header.read;
      continue;
    }
    if (raw.kind === 'stopped') yield raw;
    if (raw.kind === 'stopped') return;
    if (seen === people) {
      const most = people.toLocaleString('en');
      yield { kind: 'stopped', line: raw.line, why: `A file has at most ${most} people.` };
      return;
    }
    seen += 1;
    const entry = checker.check(raw, reader);
    yield entry;
    if (entry.kind === 'stopped') return;
  }
  if (seen > 0) return;
  const field = format === 'csv' && reader === null ? 'header' : 'file';
  yield { kind: 'unusable', field, why: field === 'header' ? 'is missing' : 'has no person' };
}

/** How the lines after this header are read. */
function readerOf(raw: RawLine): { read: Reader } | Extract<BatchEntry, { kind: 'unusable' | 'stopped' }> {
  if (raw.kind === 'stopped') return raw;
  if (raw.kind === 'unreadable') return { kind: 'unusable', field: 'header', why: raw.why };
  const header = columnsOf(raw.text);
  return 'columns' in header ? { read: csvReader(header.columns) } : { kind: 'unusable', ...header };
}

function readJson(text: string): Row {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    // The parser's own message quotes the line, so it is not used.
    return { errors: [{ field: 'line', message: 'is not JSON' }], isCut: true };
  }
}

const csvReader =
  (columns: readonly string[]): Reader =>
  (text) => {
    const fields = fieldsOf(text);
    if (fields === null) {
      const message = 'is not CSV: a quotation mark is not closed or in the wrong place';
      return { errors: [{ field: 'line', message }], isCut: true };
    }
    if (fields.length !== columns.length) {
      const message = `has ${fields.length} fields, but the header has ${columns.length}`;
      return { errors: [{ field: 'line', message }], isCut: fields.length < columns.length };
    }
    // In CSV an empty cell means "none"; only a name may be empty.
    const cells = columns.map((name, at): [string, string] => [name, fields[at] ?? '']);
    return { value: Object.fromEntries(cells.filter(([name, cell]) => cell !== '' || name === 'name')) };
  };

/** Checks line by line, and that no person is named twice. */
class Checker {
  private readonly issuer: string;
  private readonly lineOf = new Map<string, number>();

  constructor(issuer: string) {
    this.issuer = issuer;
  }

  check(raw: Exclude<RawLine, { kind: 'stopped' }>, read: Reader): BatchEntry {
    const { line } = raw;
    const refused = (errors: readonly FieldError[], subject: string | null = null): BatchEntry => ({
      kind: 'refused',
      line,
      subject,
      errors: errors.slice(0, NAMED),
    });
    if (raw.kind === 'unreadable') return refused([{ field: 'line', message: raw.why }]);
    const row = read(raw.text);
    if ('errors' in row) {
      if (row.isCut && !raw.isEnded)
        return { kind: 'stopped', line, why: 'The data ended before this line was complete.' };
      return refused(row.errors);
    }
    const parsed = NewProvisioningRequest.safeParse(row.value);
    if (!parsed.success) return refused(fieldErrorsOf(parsed.error, 'line'), subjectOf(row.value));
    const person = { ...parsed.data, issuer: parsed.data.issuer ?? this.issuer };
    if (person.issuer !== this.issuer)
      return refused([{ field: 'issuer', message: 'is not the issuer of this tenant' }], person.subject);
    const earlier = this.lineOf.get(person.subject);
    if (earlier !== undefined)
      return refused([{ field: 'subject', message: `is already on line ${earlier}` }], person.subject);
    this.lineOf.set(person.subject, line);
    return { kind: 'person', line, person };
  }
}

function subjectOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('subject' in value)) return null;
  return typeof value.subject === 'string' ? toLine(value.subject, 255) || null : null;
}
