import { Merges, type OpenedRequest } from '@foyer/persistence';
import { bounded } from '../boundaries/ports.ts';
import { isOver } from '../directory.ts';
import type { MergeScript } from '../duplicate.ts';
import type { Thread } from '../scheduler.ts';
import { sessionsOf, sessionsOutlive } from '../sessions.ts';
import type { Context } from '../world.ts';

type Enqueue = (thread: Thread, requests: readonly OpenedRequest[]) => Promise<void>;

/** After a conflict that time may settle, or while one of the two does not exist yet, in milliseconds. */
const PAUSE_MS = 15_000;
const MOST_TRIES = 6;

/** The operator who merges two identities: repeated until it is answered, whichever process dies meanwhile. */
export function operatorsDesk(context: Context, enqueue: Enqueue): (script: MergeScript) => void {
  const { world, role, scheduler, actor } = context;
  const { house, tenantId, clock } = world;
  const merges = bounded(new Merges(house.desks[role].database, tenantId), context, {
    apply: 'merges.apply',
  });
  const merge = async (script: MergeScript): Promise<readonly OpenedRequest[]> => {
    script.pair ??= await pairOf(world, script);
    if (script.pair === null) return wait(script, clock.now);
    if (await looksAgain(world, script, script.pair.staying)) return [];
    const { staying, other } = script.pair;
    script.sessions ??= [...(await sessionsOf(world, staying)), ...(await sessionsOf(world, other))];
    const result = await merges.apply(script.pair, { reactivate: false, by: 'operator:olga' });
    if (result.kind === 'not-found')
      throw new Error(`The identities of a merge are gone: ${result.missing.join(', ')}`);
    if (result.decision.kind === 'conflict') {
      scheduler.trace.push(`  not merged: ${result.decision.conflict}`);
      script.sessions = null;
      return wait(script, clock.now);
    }
    const { decision } = result;
    scheduler.trace.push(`  merged: ${decision.kind === 'merge' ? decision.accounts.kind : decision.kind}`);
    Object.assign(script, { isMerged: true, done: 1 });
    if (await sessionsOutlive(world, script.sessions))
      scheduler.faults.push('a session of one of two merged identities outlived the merge');
    return result.requests;
  };
  const run = async (thread: Thread, script: MergeScript): Promise<void> => {
    while (!isOver(script)) {
      await scheduler.reach(thread, 'gateway waits for a merge', [], () => isDue(script, clock.now));
      try {
        await enqueue(thread, await merge(script));
      } catch (error) {
        scheduler.trace.push(
          `  not answered: ${error instanceof Error ? error.message.split('\n')[0] : typeof error}`,
        );
        await scheduler.reach(thread, 'gateway is asked to merge again');
      }
    }
  };
  return (script) => void scheduler.spawn(actor, 'merge', (thread) => run(thread, script));
}

const isDue = ({ at, after }: MergeScript, now: number): boolean =>
  now >= at && (after === null || after.answered);

/** Whether no worker has taken the identity that stays, and the operator looks again before they merge. */
async function looksAgain(
  { house }: Context['world'],
  script: MergeScript,
  staying: string,
): Promise<boolean> {
  if (script.looks === 0) return false;
  script.looks -= 1;
  const taken = await house.admin.query(
    'SELECT FROM identity WHERE id = $1 AND box_external_id IS NOT NULL',
    [staying],
  );
  if (taken.length > 0) script.looks = 0;
  return taken.length === 0;
}

function wait(script: MergeScript, now: number): readonly OpenedRequest[] {
  script.tries += 1;
  script.at = now + PAUSE_MS;
  if (script.tries === MOST_TRIES) script.done = 1;
  return [];
}

async function pairOf(
  { house, tenantId }: Context['world'],
  { staying, other }: MergeScript,
): Promise<MergeScript['pair']> {
  const rows = await house.admin.query<{ id: string; subject: string }>(
    'SELECT identity_id AS id, subject FROM identity_link WHERE tenant_id = $1 AND subject = ANY($2)',
    [tenantId, [staying, other]],
  );
  const of = (subject: string): string | undefined => rows.find((row) => row.subject === subject)?.id;
  const [one, two] = [of(staying), of(other)];
  return one === undefined || two === undefined ? null : { staying: one, other: two };
}
