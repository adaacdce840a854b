import { setTimeout as pauseFor } from 'node:timers/promises';
import type {
  BatchEntry,
  BatchForecast,
  BatchStop,
  ForecastCounts,
  ForecastLine,
  Person,
} from '@foyer/shared';
import { CHUNK } from './batch.ts';
import type { BoxPort } from '../people/box-port.ts';
import type { Allowance } from '../budget/budget-port.ts';
import { foresee, type BoxView } from './foresee.ts';
import type { BoxAccount, BoxUser, Desired, LastCreate } from '../people/model.ts';
import { ask, runContext } from '../verify/verify-recheck.ts';

/** The current state of a person in the file. `desired` is their state after the file is stored. */
export interface ForecastStanding {
  readonly desired: Desired;
  /** Mapped and unchanged: no request would be opened. */
  readonly inStep: boolean;
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
}

/** The database reads of a forecast; it writes nothing. */
export interface ForecastStore {
  /** In the order of `people`. */
  standings(people: readonly Person[]): Promise<ForecastStanding[]>;
  /** The identities that these Box users are mapped to, by Box user id; unmapped users are left out. */
  owners(boxUserIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface ForecastParts {
  readonly store: ForecastStore;
  readonly box: Pick<BoxPort, 'listUsers'>;
  readonly stopping: AbortSignal;
  /** The source of permits for the calls; absent: the Box adapter's own. */
  readonly allowance?: Allowance;
  /** Called with the number of lines read, then with the number of Box users listed. */
  readonly onProgress?: (phase: 'reading' | 'listing', done: number) => void;
}

/** The file cannot be used; see `BatchEntry`. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly field: string;
  readonly why: string;
}

interface Open {
  readonly at: number;
  readonly line: number;
  readonly subject: string;
  readonly standing: ForecastStanding;
}

const PAGE = 1000;

/**
 * Predicts for each line of a file what storing it would do, without doing it: reads the database, and lists Box's
 * users if any person is not in step. Throws VerifyInterrupted when Box cannot be read or `stopping` is aborted.
 */
export async function forecast(
  entries: AsyncIterable<BatchEntry>,
  parts: ForecastParts,
): Promise<{ readonly kind: 'forecast'; readonly forecast: BatchForecast } | Unusable> {
  const read = await readAll(entries, parts);
  if ('kind' in read) return read;
  const { lines, open, stopped } = read;
  if (open.length > 0) {
    const view = await viewOf(open, parts);
    for (const one of open) lines[one.at] = await foreseeLine(one, view);
  }
  return { kind: 'forecast', forecast: { counts: countsOf(lines), lines, stopped } };
}

interface Read {
  readonly lines: ForecastLine[];
  /** The people whose entry in `lines` is still to be filled. */
  readonly open: Open[];
  readonly stopped: BatchStop | null;
}

async function readAll(entries: AsyncIterable<BatchEntry>, parts: ForecastParts): Promise<Read | Unusable> {
  const lines: ForecastLine[] = [];
  const open: Open[] = [];
  let waiting: { at: number; line: number; person: Person }[] = [];
  const settle = async () => {
    const standings = await parts.store.standings(waiting.map(({ person }) => person));
    for (const [nth, standing] of standings.entries()) {
      const { at, line, person } = waiting[nth]!;
      if (!standing.desired.active)
        lines[at] = failing(line, person.subject, 'refused', 'identity_deactivated');
      else if (standing.inStep) lines[at] = passing(line, person.subject, 'unchanged');
      else open.push({ at, line, subject: person.subject, standing });
    }
    waiting = [];
    parts.onProgress?.('reading', lines.length);
  };
  let stopped: BatchStop | null = null;
  for await (const entry of entries) {
    if (entry.kind === 'unusable') return entry;
    if (entry.kind === 'stopped') {
      stopped = { line: entry.line, why: entry.why };
      break;
    }
    const { line } = entry;
    const at = lines.length;
    if (entry.kind === 'refused') {
      lines.push({
        ...failing(line, entry.subject, 'refused', 'invalid_request'),
        errors: [...entry.errors],
      });
      continue;
    }
    lines.push(passing(line, entry.person.subject, 'unchanged'));
    waiting.push({ at, line, person: entry.person });
    if (waiting.length >= CHUNK) await settle();
  }
  if (waiting.length > 0) await settle();
  if (lines.length === 0) return { kind: 'unusable', field: 'file', why: stopped?.why ?? 'has no person' };
  return { lines, open, stopped };
}

/** Box's users for these people, from a listing page by page; all other users are discarded. */
async function viewOf(open: readonly Open[], parts: ForecastParts): Promise<BoxView> {
  const { box, store, stopping, allowance, onProgress } = parts;
  const wanted = new Set(open.map(({ standing }) => standing.desired.externalId));
  const mapped = new Set(open.flatMap(({ standing }) => standing.account?.boxUserId ?? []));
  const byId = new Map<string, BoxUser>();
  const byExternalId = new Map<string, BoxUser>();
  const asking = { stopping, pause: (ms: number) => pauseFor(ms, undefined, { signal: stopping }) };
  let listed = 0;
  for (let marker: string | undefined; ;) {
    const context = { ...runContext(null), allowance };
    const page = await ask(() => box.listUsers(context, { limit: PAGE, marker }), asking);
    if (!page.ok) throw new Error(page.fault.detail);
    for (const user of page.value.users) {
      const { id, externalId } = user;
      const isTheirs = externalId !== null && wanted.has(externalId);
      if (isTheirs) byExternalId.set(externalId, user);
      if (isTheirs || mapped.has(id)) byId.set(id, user);
    }
    listed += page.value.users.length;
    onProgress?.('listing', listed);
    if (page.value.nextMarker === null) break;
    marker = page.value.nextMarker;
  }
  const owners = await store.owners([...byId.keys()]);
  return {
    user: (id) => byId.get(id) ?? null,
    userWith: (externalId) => byExternalId.get(externalId) ?? null,
    ownerOf: (id) => owners.get(id) ?? null,
  };
}

async function foreseeLine({ line, subject, standing }: Open, view: BoxView): Promise<ForecastLine> {
  const foreseen = await foresee(standing, view);
  if (foreseen.kind === 'outcome') return passing(line, subject, foreseen.outcome);
  return { ...failing(line, subject, 'failed', foreseen.code), detail: foreseen.detail };
}

const passing = (line: number, subject: string, would: ForecastLine['would']): ForecastLine => ({
  line,
  subject,
  would,
  code: null,
  detail: null,
  errors: [],
});

const failing = (
  line: number,
  subject: string | null,
  would: 'refused' | 'failed',
  code: ForecastLine['code'],
): ForecastLine => ({ line, subject, would, code, detail: null, errors: [] });

function countsOf(lines: readonly ForecastLine[]): ForecastCounts {
  const none = { created: 0, adopted: 0, updated: 0, unchanged: 0 };
  const off = { deactivated: 0, reactivated: 0, deleted: 0, kept: 0 };
  const counts: ForecastCounts = { lines: lines.length, refused: 0, failed: 0, ...none, ...off };
  for (const { would } of lines) counts[would] += 1;
  return counts;
}
