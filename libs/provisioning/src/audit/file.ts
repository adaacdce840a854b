import { AuditFileBlock, AuditFileEnd, AuditFileRow, AuditFileStart, type AuditMonths } from '@foyer/shared';
import { MAX_BLOCK_ROWS, type AuditEntry } from './block.ts';
import { auditKey, type AuditChainCheck, type AuditPart } from './chain.ts';
import { readAct } from './pruning.ts';

/** The file is not an export of the audit log. */
export class AuditFileProblem extends Error {
  override readonly name = 'AuditFileProblem';
}

export const isWithin = (month: string, { from, to }: AuditMonths): boolean =>
  (from === null || month >= from) && (to === null || month <= to);

/**
 * The lines of an export: all blocks of the chain in order, those of other months without their rows. `unsealed`: the
 * number of newest rows that are in no block yet.
 */
export async function* auditFileLines(
  about: {
    readonly tenant: string;
    readonly months: AuditMonths;
    readonly exportedAt: string;
    readonly unsealed: number;
    /** The rows that record pruning runs: they are exported whatever their month. */
    readonly prunings: readonly { readonly id: string; readonly line: string }[];
  },
  parts: AsyncIterable<AuditPart>,
): AsyncGenerator<string> {
  const { tenant, months, exportedAt, unsealed, prunings } = about;
  const acts = new Set(prunings.map(({ id }) => auditKey({ kind: 'call', id })));
  yield JSON.stringify({
    foyer: 'audit-export',
    version: 1,
    tenant,
    months,
    exportedAt,
    prunings: prunings.map(({ line }) => line),
  } satisfies AuditFileStart);
  const end = { blocks: 0, rows: 0, seq: 0, hash: '0'.repeat(64), unsealed };
  for await (const { block, entries, rows } of parts) {
    const isWanted =
      isWithin(block.month, months) || entries?.some((entry) => acts.has(auditKey(entry))) === true;
    const kept = !isWanted ? 'left-out' : entries === null ? 'pruned' : 'follow';
    yield JSON.stringify({ block, rows: kept } satisfies AuditFileBlock);
    Object.assign(end, { blocks: end.blocks + 1, seq: block.seq, hash: block.hash });
    for (const entry of kept === 'follow' ? (entries ?? []) : []) {
      const row = rows.get(auditKey(entry));
      const { digest, kind, id } = entry;
      if (row === undefined) yield JSON.stringify({ digest, gone: { kind, id } });
      else {
        end.rows += 1;
        yield `{"digest":"${digest}","row":${row.line}}`;
      }
    }
  }
  yield JSON.stringify({ end } satisfies AuditFileEnd);
}

type FileEnd = AuditFileEnd['end'];

/**
 * Reads an export and checks it line by line; findings go to `check`. Returns the file's first and last line. Throws
 * AuditFileProblem when the first line is not that of an export. `lines` must limit the length of a line.
 */
export async function checkAuditFile(
  lines: AsyncIterable<string>,
  check: AuditChainCheck,
  onBlock: (blocks: number) => void = () => {},
): Promise<{ start: AuditFileStart; end: FileEnd | null }> {
  const reading = new FileReading(check, onBlock);
  for await (const line of lines) reading.line(line);
  return reading.finish();
}

const digestedRow = /^\{"digest":"[0-9a-f]{64}","row":/;

class FileReading {
  private readonly check: AuditChainCheck;
  private readonly onBlock: (blocks: number) => void;
  private start: AuditFileStart | null = null;
  private end: FileEnd | null = null;
  private part: {
    head: AuditFileBlock;
    entries: AuditEntry[];
    rows: Map<string, { line: string; at: string }>;
  } | null = null;
  private lineNumber = 0;
  private blocks = 0;
  private rows = 0;
  private lastHash = '0'.repeat(64);
  private isOverfull = false;

  constructor(check: AuditChainCheck, onBlock: (blocks: number) => void) {
    this.check = check;
    this.onBlock = onBlock;
  }

  line(text: string): void {
    this.lineNumber += 1;
    const value = parsed(text);
    if (this.start === null) {
      const start = AuditFileStart.safeParse(value);
      if (!start.success) throw new AuditFileProblem('The file is not an export of the audit log.');
      this.start = start.data;
      this.check.know(
        (start.data.prunings ?? []).flatMap((line) => readAct(line) ?? []),
        start.data.tenant,
      );
      return;
    }
    if (this.end !== null) {
      if (text.trim() !== '') this.check.note('rows-moved', `Line ${this.lineNumber} comes after the end.`);
      return;
    }
    const block = AuditFileBlock.safeParse(value);
    if (block.success) return this.begin(block.data);
    const row = AuditFileRow.safeParse(value);
    if (row.success) return this.row(row.data, text);
    const end = AuditFileEnd.safeParse(value);
    if (end.success) return this.close(end.data.end);
    this.check.note(
      'row-changed',
      `Line ${this.lineNumber} cannot be read.`,
      this.part?.head.block.seq ?? null,
    );
  }

  finish(): { start: AuditFileStart; end: FileEnd | null } {
    if (this.start === null) throw new AuditFileProblem('The file is empty.');
    if (this.end === null) {
      // A truncated block lacks rows, and a finding for each of them would hide the cause.
      const seq = this.part?.head.block.seq;
      const where = seq === undefined ? 'before the first block' : `in or after block ${seq}`;
      this.check.note('cut-off', `The file is cut off ${where}, at line ${this.lineNumber}.`, seq ?? null);
    }
    return { start: this.start, end: this.end };
  }

  private begin(head: AuditFileBlock): void {
    this.deliver();
    const { block, rows } = head;
    const isWanted = isWithin(block.month, this.start!.months);
    if (isWanted && rows === 'left-out')
      this.check.note(
        'rows-differ',
        `The file leaves out the rows of block ${block.seq} without a reason.`,
        block.seq,
      );
    this.part = { head, entries: [], rows: new Map() };
    this.isOverfull = false;
  }

  private row({ digest, row, gone }: AuditFileRow, text: string): void {
    const { part } = this;
    const named = row ?? gone;
    if (part === null || named === undefined || (row !== undefined && !digestedRow.test(text))) {
      this.check.note('row-changed', `Line ${this.lineNumber} cannot be read.`, part?.head.block.seq ?? null);
      return;
    }
    const { seq } = part.head.block;
    if (part.head.rows !== 'follow' || part.entries.length === MAX_BLOCK_ROWS) {
      if (!this.isOverfull)
        this.check.note('rows-differ', `The file has rows for block ${seq} that cannot belong to it.`, seq);
      this.isOverfull = true;
      return;
    }
    const { kind, id } = named;
    part.entries.push({ kind, id, digest });
    if (row === undefined) return;
    this.rows += 1;
    part.rows.set(auditKey(named), {
      line: text.trimEnd().replace(digestedRow, '').slice(0, -1),
      at: row.at,
    });
  }

  private close(end: FileEnd): void {
    this.deliver();
    this.end = end;
    const isRight = end.blocks === this.blocks && end.rows === this.rows && end.hash === this.lastHash;
    if (!isRight)
      this.check.note(
        'cut-off',
        `The file's last line counts ${end.blocks} blocks and ${end.rows} rows; the file has ${this.blocks} and ${this.rows}.`,
      );
  }

  private deliver(): void {
    if (this.part === null) return;
    const { head, entries, rows } = this.part;
    this.check.add({
      block: head.block,
      entries: head.rows === 'follow' ? entries : null,
      isLeftOut: head.rows === 'left-out',
      rows,
    });
    this.blocks += 1;
    this.lastHash = head.block.hash;
    this.part = null;
    this.onBlock(this.blocks);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
