import type { AuditBlock } from '@foyer/shared';
import { compareEntries, hashOfBlock, idsOf, NO_BLOCK, packEntries, type AuditEntry } from './block.ts';
import { Prunings, type AuditAct } from './pruning.ts';
import { auditDigest, type AuditKind } from './row.ts';

export interface AuditRowRef {
  readonly kind: AuditKind;
  readonly id: string;
  /** As text; null when the time is not known. */
  readonly at: string | null;
}

/** A block with its rows, as read from the database or from an export. */
export interface AuditPart {
  readonly block: AuditBlock;
  /** In the order in which they were read. Null: not kept (a pruned block), or left out of an export. */
  readonly entries: readonly AuditEntry[] | null;
  /** The rows were left out of an export, so nothing is known of them. */
  readonly isLeftOut?: boolean;
  /** The line of each row that exists, by `auditKey`. */
  readonly rows: ReadonlyMap<string, { readonly line: string; readonly at: string }>;
  /** Rows that exist although the block is pruned and keeps no entries. */
  readonly leftovers?: readonly AuditRowRef[];
}

export const auditKey = ({ kind, id }: Pick<AuditEntry, 'kind' | 'id'>): string => `${kind} ${id}`;

export type AuditFindingKind =
  | 'row-changed'
  | 'row-removed'
  | 'rows-removed'
  | 'row-inserted'
  | 'rows-moved'
  | 'rows-differ'
  | 'block-changed'
  | 'block-removed'
  | 'block-moved'
  | 'block-replaced'
  | 'head-differs'
  | 'head-missing'
  | 'pruned-in-part'
  | 'pruning-differs'
  | 'cut-off';

/** One difference from what was sealed. `text` is a sentence for people. */
export interface AuditFinding {
  readonly what: AuditFindingKind;
  readonly block: number | null;
  readonly row: AuditRowRef | null;
  readonly text: string;
}

/** A place in the chain that was noted outside the database. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditSummary {
  readonly blocks: number;
  /** Rows that exist exactly as they were sealed. */
  readonly rows: number;
  readonly head: (AuditHead & { readonly sealedAt: string }) | null;
  /** Months from which rows were pruned. */
  readonly prunedMonths: readonly string[];
  /** The pruning runs that explain missing rows. */
  readonly prunings: readonly Pick<AuditAct, 'id' | 'at' | 'actor' | 'before' | 'rows'>[];
  readonly findings: number;
  /** The first findings, in the order of the chain. */
  readonly first: readonly AuditFinding[];
}

const FINDINGS_KEPT = 20;

interface Options {
  /** Places noted outside the database: the chain must reach each of them, with the same hash. */
  readonly heads?: readonly AuditHead[];
  /** The same, for a reader that knows the tenant only after the first line. */
  readonly headsOf?: (tenant: string) => readonly AuditHead[];
  /** Rows that are in no block although they should be. */
  readonly strays?: readonly AuditRowRef[];
  /** The pruning runs that are recorded in the chain. */
  readonly acts?: readonly AuditAct[];
}

/** Checks a chain block by block and notes what differs from what was sealed. Keeps only one block in memory. */
export class AuditChainCheck {
  private readonly options: Options;
  private readonly pruned = new Set<string>();
  private prunings: Prunings;
  private heads: ReadonlyMap<number, ReadonlySet<string>>;
  private readonly first: AuditFinding[] = [];
  private strays: AuditRowRef[];
  private findings = 0;
  private blocks = 0;
  private rows = 0;
  private last: AuditBlock | null = null;

  constructor(options: Options = {}) {
    this.options = options;
    this.strays = [...(options.strays ?? [])];
    this.prunings = new Prunings(options.acts ?? []);
    this.heads = bySeq(options.heads ?? []);
  }

  /**
   * For a reader that knows the pruning runs only after the first line, as from a file. Call before the first `add`.
   */
  know(acts: readonly AuditAct[], tenant: string): void {
    this.prunings = new Prunings(acts);
    const { headsOf } = this.options;
    if (headsOf) this.heads = bySeq(headsOf(tenant));
  }

  add(part: AuditPart): void {
    const { block } = part;
    this.checkLink(block);
    this.tellStraysWithin(block);
    const sealed = sealedKeys(block);
    this.prunings.pass(block, sealed);
    this.checkRows(part, sealed);
    if (part.entries === null && !part.isLeftOut && sealed !== null) this.checkEmptied(part, sealed);
    for (const row of part.leftovers ?? []) this.tellInserted(row, block.seq);
    this.blocks += 1;
    this.last = block;
  }

  /** Adds a finding of the reader itself, such as a truncated file. */
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
    for (const { text } of this.prunings.faults()) this.note('pruning-differs', text);
    const newest = [...this.heads.keys()].reduce((most, seq) => Math.max(most, seq), 0);
    const end = this.last?.seq ?? 0;
    if (newest > end)
      this.note(
        'head-missing',
        `The chain ends at block ${end}, but a stored head proves that block ${newest} existed.`,
      );
    return {
      blocks: this.blocks,
      rows: this.rows,
      head: this.last && { seq: this.last.seq, hash: this.last.hash, sealedAt: this.last.sealedAt },
      prunedMonths: [...this.pruned].sort(),
      prunings: this.prunings
        .used()
        .map(({ id, at, actor, before, rows }) => ({ id, at, actor, before, rows })),
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
      this.note('block-moved', `Block ${seq} is in the wrong place, after block ${expected - 1}.`, seq);
    else if (block.previous !== (this.last?.hash ?? NO_BLOCK))
      this.note(
        'block-replaced',
        seq === 1
          ? 'Block 1 names a block before it.'
          : `Block ${seq} does not follow this block ${seq - 1}: one of the two was replaced.`,
        seq,
      );
    if (hashOfBlock(block) !== block.hash || !hasReadableIds(block))
      this.note('block-changed', `Block ${seq} was changed.`, seq);
    else if ([...(this.heads.get(seq) ?? [])].some((hash) => hash !== block.hash))
      this.note(
        'head-differs',
        `Block ${seq} is not the one in the stored head: the chain was rewritten.`,
        seq,
      );
  }

  private checkRows({ block, entries, rows }: AuditPart, sealed: ReadonlySet<string> | null): void {
    if (entries === null) return;
    const before = this.findings;
    const inOrder = entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1]!, entry) < 0);
    if (!inOrder)
      this.note(
        'rows-moved',
        `Rows of block ${block.seq} are in the wrong order, or occur twice.`,
        block.seq,
      );
    const faults = this.faultsOf({ block, entries, rows }, sealed);
    for (const fault of faults) this.tellRow(fault.what, fault.row, block.seq);
    if (this.findings === before && auditDigest(packEntries(entries)) !== block.entriesDigest)
      this.note(
        'rows-differ',
        `The rows of block ${block.seq} are not the ones that were sealed, or their digests were changed.`,
        block.seq,
      );
  }

  private faultsOf(
    { block, entries, rows }: AuditPart & { entries: readonly AuditEntry[] },
    sealed: ReadonlySet<string> | null,
  ) {
    const faults: { what: 'row-changed' | 'row-removed' | 'row-inserted'; row: AuditRowRef }[] = [];
    const told = new Set(entries.map(auditKey));
    const missing = new Map<string, AuditRowRef>();
    for (const entry of entries) {
      const { kind, id } = entry;
      const row = rows.get(auditKey(entry));
      const ref = { kind, id, at: row?.at ?? null };
      if (sealed !== null && !sealed.has(auditKey(entry))) faults.push({ what: 'row-inserted', row: ref });
      else if (row === undefined) missing.set(auditKey(entry), ref);
      else if (auditDigest(row.line) !== entry.digest) faults.push({ what: 'row-changed', row: ref });
      else {
        this.rows += 1;
        if (kind === 'call') this.prunings.seal(id, entry.digest, block.seq);
      }
    }
    for (const key of sealed ?? []) {
      if (told.has(key)) continue;
      const [kind, id] = key.split(' ') as [AuditKind, string];
      faults.push({ what: 'row-removed', row: { kind, id, at: null } });
    }
    if (!this.isPruned(block, sealed ?? told, new Set(missing.keys())))
      for (const row of missing.values()) faults.push({ what: 'row-removed', row });
    return faults.sort((a, b) => compareEntries(a.row, b.row));
  }

  /** A block whose rows are all deleted: either a pruning run explains that, or they were removed. */
  private checkEmptied({ block, leftovers = [] }: AuditPart, sealed: ReadonlySet<string>): void {
    const missing = new Set(sealed);
    for (const row of leftovers) missing.delete(auditKey(row));
    if (!this.isPruned(block, sealed, missing))
      this.note('rows-removed', `The ${missing.size} rows of block ${block.seq} were removed.`, block.seq);
  }

  /** Whether a pruning run explains exactly these missing rows, if any. Notes a finding when a run names other rows. */
  private isPruned(block: AuditBlock, all: ReadonlySet<string>, missing: ReadonlySet<string>): boolean {
    if (missing.size === 0) return true;
    const { isRight, act } = this.prunings.explain(block.seq, all, missing);
    if (isRight) this.pruned.add(block.month);
    else if (act !== null)
      this.note(
        'pruned-in-part',
        `Of the ${all.size} rows of block ${block.seq} ${missing.size} are missing, and these are not the ones that pruning ${act.id} removed.`,
        block.seq,
      );
    return isRight;
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

function bySeq(heads: readonly AuditHead[]): ReadonlyMap<number, ReadonlySet<string>> {
  const hashes = Map.groupBy(heads, ({ seq }) => seq);
  return new Map([...hashes].map(([seq, noted]) => [seq, new Set(noted.map(({ hash }) => hash))]));
}

const rowName = ({ kind, id, at }: AuditRowRef): string =>
  `${kind === 'call' ? 'Call' : 'The outcome of call'} ${id}${at === null ? '' : ` (${at})`}`;

const hasReadableIds = ({ calls, outcomes }: AuditBlock): boolean =>
  idsOf(calls) !== null && idsOf(outcomes) !== null;

/** The row keys that the block's header lists; null when the header cannot be read. */
function sealedKeys(block: AuditBlock): Set<string> | null {
  const calls = idsOf(block.calls);
  const outcomes = idsOf(block.outcomes);
  if (calls === null || outcomes === null || hashOfBlock(block) !== block.hash) return null;
  return new Set([
    ...calls.map((id) => auditKey({ kind: 'call', id })),
    ...outcomes.map((id) => auditKey({ kind: 'outcome', id })),
  ]);
}
