import { Merges, type MergePair } from '@foyer/persistence';
import type { MergeConflict, MergeDecision, MergeSide } from '@foyer/directory';
import { FoyerError } from '@foyer/shared';
import { commandChange, commandIntent } from './on-record.ts';
import { explainPerson, type PersonReport } from './person.ts';
import type { TenantSources } from './sources.ts';

/**
 * What a merge of two identities would do, or has done. `planned`: nothing was changed. `merged`: it was done now. `done`: it
 * was done before. `conflict`: it is refused, and nothing was changed.
 */
export interface MergeReport {
  readonly kind: 'planned' | 'merged' | 'done' | 'conflict';
  /** The two as they are now. */
  readonly staying: PersonReport;
  readonly other: PersonReport;
  /** What becomes, or became, of both, one sentence each; for a conflict, why, and what to do. */
  readonly sentences: readonly string[];
  readonly conflict: MergeConflict | null;
  /** The requests that the merge opened. */
  readonly requestIds: readonly string[];
}

export interface MergeOrder extends MergePair {
  /** A deactivated identity that stays becomes active if the other one is. */
  readonly reactivate: boolean;
  /** The operator's name for the audit log, to carry it out; null: only plan. */
  readonly operator: string | null;
}

/**
 * Plans or carries out the merge of two identities that are one person; the decision and the write happen under the locks
 * of both. The audit log names `operator`, in the transaction of the merge. Throws FoyerError `not_found` when one of them does not exist in this tenant.
 */
export async function mergeIdentities(
  sources: TenantSources,
  { staying, other, reactivate, operator }: MergeOrder,
): Promise<MergeReport> {
  const merges = new Merges(sources.database, sources.tenantId);
  const pair = { staying, other };
  const result =
    operator === null
      ? await merges.plan(pair, { reactivate })
      : await merges.apply(
          pair,
          { reactivate, by: operator },
          commandChange({
            ...commandIntent('merge_identities', 'identity merge', operator),
            parameters: { ...pair, ...(reactivate && { reactivate }) },
          }),
        );
  if (result.kind === 'not-found')
    throw new FoyerError(
      'not_found',
      `There is no identity ${result.missing.join(', nor ')} in this tenant.`,
    );
  const { decision } = result;
  const [one, two] = [await explainPerson(sources, staying), await explainPerson(sources, other)];
  if (one === null || two === null) throw new FoyerError('not_found');
  const isMerge = decision.kind === 'merge';
  return {
    kind: isMerge ? (operator === null ? 'planned' : 'merged') : decision.kind,
    staying: one,
    other: two,
    sentences: sentencesOf(decision, result),
    conflict: decision.kind === 'conflict' ? decision.conflict : null,
    requestIds: result.requests.map(({ requestId }) => requestId),
  };
}

type Sides = { readonly staying: MergeSide; readonly other: MergeSide };

/** The plan, or the conflict, in sentences. Pure. */
export function sentencesOf(decision: MergeDecision, { staying, other }: Sides): string[] {
  const [a, b] = [staying.identityId, other.identityId];
  if (decision.kind === 'done') return [`${b} was merged into ${a} before. Nothing was changed.`];
  if (decision.kind === 'conflict') return [conflictSentence(decision, a, b)];
  const { accounts, reactivates, warnings } = decision;
  const ids = other.links.filter(({ rule }) => rule !== 'stand_in').map(({ subject }) => subject);
  return [
    ...(warnings.includes('both-active-in-different-directories')
      ? ['Both are active, in different directories. Make sure that they are one person.']
      : []),
    `${a} stays. ${b} is deactivated, and leads nowhere from then on.`,
    ids.length === 0 ? `No id leads to ${b}.` : `Ids that lead to ${a} from then on: ${ids.join(', ')}.`,
    ...(reactivates ? [`${a} is deactivated, and becomes active.`] : []),
    ...accountSentences(accounts, a),
    other.groups.length === 0
      ? `${b} is in no group.`
      : `Groups of which ${a} becomes a member: ${other.groups.map(({ displayName }) => displayName).join(', ')}.`,
    `All sessions of both end (${staying.sessions + other.sessions}), and so do the open requests of ${b} (${other.openRequests}).`,
    ...(warnings.includes('scim-resource-ends')
      ? [
          `The SCIM resource ${b} ends: its address answers 404. A push of its externalId by POST reaches ${a}.`,
        ]
      : []),
    'A merge cannot be undone.',
  ];
}

function accountSentences(
  accounts: Extract<MergeDecision, { kind: 'merge' }>['accounts'],
  a: string,
): string[] {
  if (accounts.kind === 'take-over')
    return [
      `${a} has no Box user: it takes over Box user ${accounts.account.boxUserId}, with its content and its external id in Box.`,
    ];
  if (accounts.former === null) return ['No Box user changes.'];
  const { boxUserId } = accounts.former;
  return [
    `Box user ${boxUserId} becomes a former account (merged), and is deactivated in Box. It is not deleted.`,
    `Foyer moves no content: what Box user ${boxUserId} owns stays there. An administrator can move it in Box.`,
  ];
}

function conflictSentence(
  { conflict, with: elsewhere }: Extract<MergeDecision, { kind: 'conflict' }>,
  a: string,
  b: string,
): string {
  const sentences: Record<MergeConflict, string> = {
    'same-identity': `Both ids are ${a}. A merge takes two identities.`,
    'already-merged': `${a} and ${b} cannot be merged: one of them was merged into ${elsewhere ?? 'another identity'} before. Name that identity instead.`,
    'unsettled-create': `A create of a Box user for ${a} or ${b} has no known result. Wait until the request has ended, or retry it, and merge then.`,
    'unsettled-delete': `A deletion of the Box user of ${a} or ${b} has no known result. Wait until the request has ended, or retry it, and merge then.`,
    'scim-manages-other': `SCIM manages ${b}, but not ${a}: nobody could deactivate the person over SCIM. Let ${b} stay: identity merge ${b} ${a}`,
    'staying-deactivated': `${a} would stay, and is deactivated; ${b} is active. Let ${b} stay (identity merge ${b} ${a}), or say that ${a} becomes active: --reactivate`,
    'staying-box-user-missing': `Box has deleted the Box user of ${a}, and has that of ${b}. Let ${b} stay (identity merge ${b} ${a}), or restore the Box user first.`,
    'user-name-taken': `${a} cannot become active: another person has its user name in SCIM.`,
  };
  return sentences[conflict];
}
