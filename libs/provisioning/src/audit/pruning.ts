import { AuditPruning, type AuditBlock } from '@foyer/shared';
import { idsOf } from './block.ts';
import { auditDigest, auditMonth, type AuditKind } from './row.ts';

/** The operation of the calls that record pruning runs. */
export const PRUNE_OPERATION = 'prune_audit_log';

/** The most ids that one pruning run may keep; more than Foyer ever writes. */
const MOST_KEPT = 1_000_000;

/**
 * One pruning run, as its row of the log describes it: the blocks, and the rows of them that are kept. It is valid once
 * its row is sealed in a later block than all of these.
 */
export interface AuditAct extends AuditPruning {
  /** The row's id and digest, and who pruned when. */
  readonly id: string;
  readonly digest: string;
  readonly actor: string | null;
  readonly at: string;
  readonly from: number;
  readonly to: number;
}

/** Reads the line of a row; null for a row that is not a pruning run. */
export function readAct(line: string): AuditAct | null {
  const row = parsed(line);
  if (row === null || row['kind'] !== 'call' || row['operation'] !== PRUNE_OPERATION) return null;
  const pruning = AuditPruning.safeParse(row['parameters']);
  if (!pruning.success) return null;
  const ranges = rangesOf(pruning.data.blocks);
  const [first] = ranges;
  const last = ranges.at(-1);
  if (first === undefined || last === undefined) return null;
  return {
    ...pruning.data,
    ...{ id: String(row['id']), digest: auditDigest(line), at: String(row['at']) },
    actor: typeof row['actor'] === 'string' ? row['actor'] : null,
    ...{ from: first[0], to: last[1] - 1 },
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

const rangesOf = (text: string): [from: number, to: number][] =>
  [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from, to]) => [Number(from), Number(to)]);

/** What is wrong with a pruning run. */
export interface ActFault {
  readonly act: AuditAct;
  readonly text: string;
}

interface State {
  readonly act: AuditAct;
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly kept: ReadonlySet<string>;
  /** The rows of its blocks that are not kept. */
  rows: number;
  blocks: number;
  sealedIn: number | null;
  isHeadRight: boolean;
  explains: number;
  tooEarly: number | null;
}

/**
 * Decides which rows may be missing. Pruning runs are sealed after the blocks that they prune, so they are given in
 * advance and proved while the chain is read.
 */
export class Prunings {
  private readonly states: readonly State[];

  constructor(acts: readonly AuditAct[]) {
    this.states = acts.map((act) => ({
      act,
      ranges: rangesOf(act.blocks),
      kept: keptOf(act),
      ...{ rows: 0, blocks: 0, sealedIn: null, isHeadRight: false, explains: 0, tooEarly: null },
    }));
  }

  /**
   * Call for each block in order. `rows`: the keys of all rows that the block sealed; null when its header cannot be
   * read.
   */
  pass(block: AuditBlock, rows: ReadonlySet<string> | null): void {
    for (const state of this.covering(block.seq)) {
      state.blocks += 1;
      state.rows += block.count - (rows === null ? 0 : within(state.kept, rows));
      if (state.act.head.seq === block.seq) state.isHeadRight = state.act.head.hash === block.hash;
      if (isTooEarly(state.act, block)) state.tooEarly ??= block.seq;
    }
  }

  /** Call for each row that exists as it was sealed. */
  seal(id: string, digest: string, block: number): void {
    for (const state of this.states)
      if (state.act.id === id && state.act.digest === digest && block > state.act.to) state.sealedIn = block;
  }

  /**
   * Whether a pruning run explains that exactly these rows of a block are missing. If not, `act` is a run that names
   * this block with other rows, or null when no run names it.
   */
  explain(
    seq: number,
    rows: ReadonlySet<string>,
    missing: ReadonlySet<string>,
  ): { readonly isRight: boolean; readonly act: AuditAct | null } {
    const about = this.covering(seq);
    const right = about.filter(
      ({ kept }) => missing.size === rows.size - within(kept, rows) && within(kept, missing) === 0,
    );
    for (const state of right) state.explains += 1;
    return { isRight: right.length > 0, act: (right[0] ?? about[0])?.act ?? null };
  }

  /** The pruning runs that explain missing rows. */
  used(): AuditAct[] {
    return this.states.filter(({ explains }) => explains > 0).map(({ act }) => act);
  }

  faults(): ActFault[] {
    return this.states.flatMap((state) => {
      const why = faultOf(state);
      return why === null ? [] : [{ act: state.act, text: `Pruning ${state.act.id} ${why}` }];
    });
  }

  private covering(seq: number): State[] {
    return this.states.filter(
      ({ act, ranges }) =>
        seq >= act.from && seq <= act.to && ranges.some(([from, to]) => seq >= from && seq < to),
    );
  }
}

function faultOf(state: State): string | null {
  const { act, explains, sealedIn, isHeadRight, rows, tooEarly } = state;
  // A pruning run that is not sealed and explains no missing rows has not begun.
  if (sealedIn === null)
    return explains === 0
      ? null
      : `is not sealed in a block after the blocks that it names, or was changed: rows of ${explains} blocks are missing without a sealed pruning.`;
  if (tooEarly !== null) return `names block ${tooEarly}, which was too new to be pruned.`;
  if (!isHeadRight)
    return `belongs to another chain: its block ${act.head.seq} is not the one in this chain.`;
  if (rows !== act.rows) return `states ${act.rows} rows, but its blocks have ${rows} rows to remove.`;
  return null;
}

const keptOf = ({ kept }: AuditPruning): ReadonlySet<string> => {
  const keys = (kind: AuditKind, ranges: string) =>
    (idsOf(ranges, MOST_KEPT) ?? []).map((id) => `${kind} ${id}`);
  return new Set([...keys('call', kept.calls), ...keys('outcome', kept.outcomes)]);
};

const within = (some: ReadonlySet<string>, all: ReadonlySet<string>): number => {
  let count = 0;
  for (const key of some) if (all.has(key)) count += 1;
  return count;
};

/**
 * The same rule as the trigger in the database: the rows' month, and the sealing, must have ended a month before the
 * run's own month began.
 */
function isTooEarly({ at }: AuditAct, { month, sealedAt }: AuditBlock): boolean {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return true;
  const cutoff = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() - 1, 1)).toISOString();
  return month >= auditMonth(new Date(cutoff)) || sealedAt >= cutoff;
}
