import { setTimeout as pauseFor } from 'node:timers/promises';
import type { BoxPort } from '../people/box-port.ts';
import { verifyGroups, type GroupReader, type GroupsRead } from './verify-groups.ts';
import { ask, recheck, runContext, VerifyInterrupted, type Asking, type Verdict } from './verify-recheck.ts';
import {
  discrepancyKinds,
  type Candidate,
  type VerifyCounts,
  type VerifyRun,
  type VerifyStore,
} from './verify-port.ts';

/** The most users on a page from Box. */
const PAGE = 1000;
/** A recheck costs a call per candidate; more discrepancies of one kind than this have a common cause. */
const RECHECKS_PER_KIND = 1000;
const RECHECKS_AT_ONCE = 8;
/**
 * How often a listing restarts before the run is given up: otherwise markers that expire at once would make it endless.
 */
const LISTINGS = 5;

export interface VerifyParts {
  readonly box: BoxPort & GroupReader;
  readonly store: VerifyStore;
  readonly stopping: AbortSignal;
  /** How long until a write without an outcome counts as lost, in milliseconds: longer than any call may take. */
  readonly writeAgeMs: number;
  readonly onProgress: (
    phase: 'listing' | 'comparing' | 'rechecking' | 'groups',
    done: number,
    total: number | null,
  ) => void;
  /** Called with remarks for the operator. */
  readonly onRemark: (line: string) => void;
  readonly pause?: Asking['pause'];
}

export interface Certificate extends VerifyCounts, Pick<GroupsRead, 'groups'> {
  /** Discrepancies that were not found again by the recheck. */
  readonly passed: number;
  /** Unverified writes that this run has settled. */
  readonly settled: number;
}

/**
 * Reads all people and groups from Box, compares them with the database, and rechecks whatever differs. Changes nothing
 * in Box; differences are recorded, so that the next request sets the fields again. A run can be interrupted at any
 * point and continued. Throws VerifyInterrupted when it is stopped or Box cannot be read.
 */
export async function verify(run: VerifyRun, parts: VerifyParts): Promise<Certificate> {
  const { stopping, pause = (ms: number) => pauseFor(ms, undefined, { signal: stopping }) } = parts;
  const asking = { stopping, pause };
  await list(run, parts, asking);
  parts.onProgress('comparing', 0, 1);
  const counts = await parts.store.compare(run.id, parts.writeAgeMs);
  parts.onProgress('comparing', 1, 1);
  const rechecks = await recheckAll(run.id, parts, asking);
  const onProgress = (done: number): void => parts.onProgress('groups', done, null);
  const { groups, passed } = await verifyGroups(run.id, { ...parts, ...asking, onProgress });
  await parts.store.finish(run.id, counts.digest);
  return {
    ...counts,
    groups,
    passed: rechecks.gone + rechecks['in-progress'] + passed,
    settled: rechecks.settled,
  };
}

async function list(run: VerifyRun, parts: VerifyParts, asking: Asking): Promise<void> {
  if (run.isListed) return;
  const { box, store, onProgress } = parts;
  const expected = await store.expected();
  let marker = run.marker;
  onProgress('listing', run.listed, expected);
  for (let listings = 1; ;) {
    const query = marker === null ? { limit: PAGE } : { limit: PAGE, marker };
    const isStale = marker !== null;
    const page = await ask(
      () => box.listUsers(runContext(null), query),
      asking,
      (fault) => isStale && fault.code === 'box_invalid',
    );
    if (!page.ok || (isStale && page.value.nextMarker === marker)) {
      if (listings === LISTINGS) throw new VerifyInterrupted(page.ok ? endless : page.fault);
      listings += 1;
      parts.onRemark('Box no longer accepts the marker of the listing. The listing starts again.');
      await store.listAgain(run.id);
      marker = null;
      continue;
    }
    marker = page.value.nextMarker;
    onProgress('listing', await store.savePage(run.id, page.value.users, marker), expected);
    if (marker === null) return;
  }
}

const endless = {
  code: 'box_unavailable',
  detail: 'Box returns the same page of users repeatedly.',
  ambiguous: false,
} as const;

type Rechecks = Record<Verdict['kind'], number>;

async function recheckAll(runId: string, parts: VerifyParts, asking: Asking): Promise<Rechecks> {
  const rechecks: Rechecks = { confirmed: 0, gone: 0, settled: 0, 'in-progress': 0 };
  for (const kind of discrepancyKinds) {
    const candidates = await parts.store.candidates(runId, kind, RECHECKS_PER_KIND + 1);
    if (candidates.length > RECHECKS_PER_KIND) {
      parts.onRemark(
        `More than ${RECHECKS_PER_KIND} of the kind "${kind}": only the first ones are rechecked.`,
      );
    }
    const worth = candidates.slice(0, RECHECKS_PER_KIND);
    for (let at = 0; at < worth.length; at += RECHECKS_AT_ONCE) {
      const some = worth.slice(at, at + RECHECKS_AT_ONCE);
      // All of them end before the first fault is passed on, so that no call stays in flight.
      const checked = await Promise.allSettled(
        some.map((candidate) => check(runId, candidate, parts, asking)),
      );
      for (const end of checked) {
        if (end.status === 'rejected') throw end.reason;
        rechecks[end.value] += 1;
      }
      parts.onProgress('rechecking', at + some.length, worth.length);
    }
  }
  return rechecks;
}

async function check(
  runId: string,
  candidate: Candidate,
  parts: VerifyParts,
  asking: Asking,
): Promise<Verdict['kind']> {
  const { box, store } = parts;
  const verdict = await recheck(candidate, { box, store, ...asking });
  await store.settle(runId, candidate.id, verdict.kind === 'confirmed' ? verdict.discrepancy : null);
  if (verdict.kind === 'confirmed') await store.keepDifference(verdict.discrepancy);
  return verdict.kind;
}
