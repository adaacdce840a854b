import type { AuditBlock } from '@foyer/shared';
import { compareEntries, hashOfBlock, idsOf, NO_BLOCK, packEntries, type AuditEntry } from './block.ts';
import { auditDigest, type AuditKind } from './row.ts';

export interface AuditRowRef {
  readonly kind: AuditKind;
  readonly id: string;
  /** As text, or null when nobody knows it any more. */
  readonly at: string | null;
}

/** A block with what is there of it, as the database or an export tells it. */
export interface AuditPart {
  readonly block: AuditBlock;
  /** In the order told. Null: not kept (a pruned block), or left out of an export. */
  readonly entries: readonly AuditEntry[] | null;
  /** The line of each row that is there, by `auditKey`. */
  readonly rows: ReadonlyMap<string, { readonly line: string; readonly at: string }>;
  /** Rows that are there although the block is pruned and keeps no entries. */
  readonly leftovers?: readonly AuditRowRef[];
}

export const auditKey = ({ kind, id }: Pick<AuditEntry, 'kind' | 'id'>): string => `${kind} ${id}`;

export type AuditFindingKind =
  | 'row-changed'
  | 'row-removed'
  | 'row-inserted'
  | 'rows-moved'
  | 'rows-differ'
  | 'block-changed'
  | 'block-removed'
  | 'block-moved'
  | 'block-replaced'
  | 'head-differs'
  | 'head-missing'
  | 'cut-off';

/** One thing that is not as it was sealed. `text` is a sentence for people. */
export interface AuditFinding {
  readonly what: AuditFindingKind;
  readonly block: number | null;
  readonly row: AuditRowRef | null;
  readonly text: string;
}

/** A place in the chain that somebody noted elsewhere. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditSummary {
  readonly blocks: number;
  /** Rows that were there and as they were sealed. */
  readonly rows: number;
  readonly head: (AuditHead & { readonly sealedAt: string }) | null;
  /** Months of which blocks are pruned. */
  readonly prunedMonths: readonly string[];
  readonly findings: number;
  /** The first ones, in the chain's order. */
  readonly first: readonly AuditFinding[];
}

const FINDINGS_KEPT = 20;

interface Options {
  /** Must be reached, and be equal. */
  readonly head?: AuditHead | null;
  /** Rows that are in no block although they should be. */
  readonly strays?: readonly AuditRowRef[];
}

/** Walks a chain block by block and notes what is not as it was sealed. Keeps no more than one block in mind. */
export class AuditChainCheck {
  private readonly options: Options;
  private readonly pruned = new Set<string>();
  private readonly first: AuditFinding[] = [];
  private strays: AuditRowRef[];
  private findings = 0;
  private blocks = 0;
  private rows = 0;
  private last: AuditBlock | null = null;

  constructor(options: Options = {}) {
    this.options = options;
    this.strays = [...(options.strays ?? [])];
  }

  add(part: AuditPart): void {
    const { block } = part;
    this.checkLink(block);
    this.tellStraysWithin(block);
    this.checkRows(part);
    for (const row of part.leftovers ?? []) this.tellInserted(row, block.seq);
    if (block.prunedAt !== null) this.pruned.add(block.month);
    this.blocks += 1;
    this.last = block;
  }

  /** A finding of whoever reads the chain, such as a file that is cut off. */
  note(
    what: AuditFindingKind,
    text: string,
    block: number | null = null,
    row: AuditRowRef | null = null,
  ): void {
    this.findings += 1;
    if (this.first.length < FINDINGS_KEPT) this.first.push({ what, block, row, text });
  }

  finish(): AuditSummary {
    for (const row of this.strays) this.tellInserted(row, null);
    this.strays = [];
    const { head } = this.options;
    if (head && (this.last?.seq ?? 0) < head.seq)
      this.note(
        'head-missing',
        `The chain ends at block ${this.last?.seq ?? 0}; block ${head.seq} was there once.`,
      );
    return {
      blocks: this.blocks,
      rows: this.rows,
      head: this.last && { seq: this.last.seq, hash: this.last.hash, sealedAt: this.last.sealedAt },
      prunedMonths: [...this.pruned].sort(),
      findings: this.findings,
      first: this.first,
    };
  }

  private checkLink(block: AuditBlock): void {
    const { seq } = block;
    const expected = (this.last?.seq ?? 0) + 1;
    const gap = expected === seq - 1 ? `Block ${expected} was` : `Blocks ${expected} to ${seq - 1} were`;
    if (seq > expected) this.note('block-removed', `${gap} removed.`, expected);
    else if (seq < expected)
      this.note('block-moved', `Block ${seq} stands after block ${expected - 1}.`, seq);
    else if (block.previous !== (this.last?.hash ?? NO_BLOCK))
      this.note(
        'block-replaced',
        seq === 1
          ? 'Block 1 says that another came before it.'
          : `Block ${seq} was not made after this block ${seq - 1}: one of the two was replaced.`,
        seq,
      );
    if (hashOfBlock(block) !== block.hash || !hasReadableIds(block))
      this.note('block-changed', `Block ${seq} was changed.`, seq);
    else if (this.options.head?.seq === seq && this.options.head.hash !== block.hash)
      this.note(
        'head-differs',
        `Block ${seq} is not the one that was noted: the chain was written anew.`,
        seq,
      );
  }

  private checkRows({ block, entries, rows }: AuditPart): void {
    if (entries === null) return;
    const before = this.findings;
    const inOrder = entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1]!, entry) < 0);
    if (!inOrder)
      this.note('rows-moved', `Rows of block ${block.seq} stand in another order, or twice.`, block.seq);
    for (const fault of this.faultsOf({ block, entries, rows }))
      this.tellRow(fault.what, fault.row, block.seq);
    if (this.findings === before && auditDigest(packEntries(entries)) !== block.entriesDigest)
      this.note(
        'rows-differ',
        `The rows of block ${block.seq} are not the ones that were sealed, or their digests were changed.`,
        block.seq,
      );
  }

  private faultsOf({ block, entries, rows }: AuditPart & { entries: readonly AuditEntry[] }) {
    const faults: { what: 'row-changed' | 'row-removed' | 'row-inserted'; row: AuditRowRef }[] = [];
    const sealed = sealedKeys(block);
    const told = new Set(entries.map(auditKey));
    for (const entry of entries) {
      const { kind, id } = entry;
      const row = rows.get(auditKey(entry));
      const ref = { kind, id, at: row?.at ?? null };
      if (sealed !== null && !sealed.has(auditKey(entry))) faults.push({ what: 'row-inserted', row: ref });
      else if (row === undefined) {
        if (block.prunedAt === null) faults.push({ what: 'row-removed', row: ref });
      } else if (auditDigest(row.line) !== entry.digest) faults.push({ what: 'row-changed', row: ref });
      else this.rows += 1;
    }
    for (const key of sealed ?? []) {
      if (told.has(key)) continue;
      const [kind, id] = key.split(' ') as [AuditKind, string];
      faults.push({ what: 'row-removed', row: { kind, id, at: null } });
    }
    return faults.sort((a, b) => compareEntries(a.row, b.row));
  }

  private tellRow(
    what: 'row-changed' | 'row-removed' | 'row-inserted',
    row: AuditRowRef,
    block: number,
  ): void {
    const done = {
      'row-changed': 'was changed',
      'row-removed': 'was removed',
      'row-inserted': 'was inserted',
    }[what];
    this.note(what, `${rowName(row)}, in block ${block}, ${done}.`, block, row);
  }

  private tellInserted(row: AuditRowRef, block: number | null): void {
    const text =
      block === null
        ? `${rowName(row)} is in no block: it was inserted, or its block was removed.`
        : `${rowName(row)} was inserted before the end of block ${block}.`;
    this.note('row-inserted', text, block, row);
  }

  private tellStraysWithin(block: AuditBlock): void {
    if (this.strays.length === 0) return;
    const within = (row: AuditRowRef) => {
      const last = /(-?\d+)\)\}$/.exec(row.kind === 'call' ? block.calls : block.outcomes)?.[1];
      return last !== undefined && BigInt(row.id) < BigInt(last);
    };
    for (const row of this.strays.filter(within)) this.tellInserted(row, block.seq);
    this.strays = this.strays.filter((row) => !within(row));
  }
}

const rowName = ({ kind, id, at }: AuditRowRef): string =>
  `${kind === 'call' ? 'Call' : 'The outcome of call'} ${id}${at === null ? '' : ` (${at})`}`;

const hasReadableIds = ({ calls, outcomes }: AuditBlock): boolean =>
  idsOf(calls) !== null && idsOf(outcomes) !== null;

/** What the block's header says is in it; null when the header cannot be read. */
function sealedKeys(block: AuditBlock): Set<string> | null {
  const calls = idsOf(block.calls);
  const outcomes = idsOf(block.outcomes);
  if (calls === null || outcomes === null || hashOfBlock(block) !== block.hash) return null;
  return new Set([
    ...calls.map((id) => auditKey({ kind: 'call', id })),
    ...outcomes.map((id) => auditKey({ kind: 'outcome', id })),
  ]);
}
