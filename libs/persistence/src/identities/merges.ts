import { afterMerge, decideMerge, type MergeDecision, type MergeSide } from '@foyer/directory';
import type { RecordedChange } from '@foyer/provisioning';
import { changing } from '../call-log/change-record.ts';
import type { Database } from '../database/database.ts';
import { run, type Runner } from '../database/statement.ts';
import { constraintOf, sqlStateOf, UNIQUE_VIOLATION, type Transaction } from '../database/transaction.ts';
import { requestFor, type OpenedRequest } from '../requests/new-request.ts';
import { requestsForGroups } from '../scim/groups/group-members.ts';
import * as sql from './merge-statements.ts';

/** Two identities of one tenant: `staying` is the person afterwards, and `other` leads nowhere. Ids of identities. */
export interface MergePair {
  readonly staying: string;
  readonly other: string;
}

export interface MergeOptions {
  /** A deactivated identity that stays becomes active if the other one is. */
  readonly reactivate: boolean;
  /** By whose word the links move. */
  readonly by: string;
}

/** Both sides as they were read, and what follows. `requests`: those that the merge opened. */
export type MergeResult =
  | { readonly kind: 'not-found'; readonly missing: readonly string[] }
  | {
      readonly kind: 'decided';
      readonly decision: MergeDecision;
      readonly staying: MergeSide;
      readonly other: MergeSide;
      readonly requests: readonly OpenedRequest[];
    };

/** Merges two identities that are one person, in one transaction. It cannot be undone. */
export class Merges {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** What a merge would do now. Writes nothing. */
  plan(pair: MergePair, options: Pick<MergeOptions, 'reactivate'>): Promise<MergeResult> {
    return this.decide(this.database, pair, options);
  }

  /**
   * Merges, if the decision about the state under the locks of both identities is to merge; else nothing changes. Recorded
   * as `change`, with the same result under concurrency: a second merge of the two finds it done.
   */
  async apply(pair: MergePair, options: MergeOptions, change?: RecordedChange): Promise<MergeResult> {
    try {
      return await changing(this.database, this.tenantId, change, async (tx, onRecord) => {
        await run({ tx }, sql.lockBoth, { tenant: this.tenantId, ...pair });
        const result = await this.decide({ tx }, pair, options);
        if (result.kind === 'not-found' || result.decision.kind !== 'merge') return result;
        const requests = await this.write(tx, result, result.decision, options.by);
        await onRecord(requests[0]?.requestId ?? null, pair.staying);
        return { ...result, requests };
      });
    } catch (error) {
      const isName = sqlStateOf(error) === UNIQUE_VIOLATION && /user_?name/i.test(constraintOf(error) ?? '');
      if (!isName) throw error;
      const result = await this.plan(pair, options);
      if (result.kind === 'not-found') return result;
      return { ...result, decision: { kind: 'conflict', conflict: 'user-name-taken', with: null } };
    }
  }

  private async decide(
    runner: Runner,
    { staying, other }: MergePair,
    { reactivate }: Pick<MergeOptions, 'reactivate'>,
  ): Promise<MergeResult> {
    const [one, two] = [await this.side(runner, staying), await this.side(runner, other)];
    if (one === null || two === null) {
      const missing = [...new Set([...(one ? [] : [staying]), ...(two ? [] : [other])])];
      return { kind: 'not-found', missing };
    }
    const decision = decideMerge(one, two, { reactivate });
    return { kind: 'decided', decision, staying: one, other: two, requests: [] };
  }

  private async side(runner: Runner, id: string): Promise<MergeSide | null> {
    const [row] = await run<MergeSide>(runner, sql.readSide, { tenant: this.tenantId, id });
    return row ?? null;
  }

  private async write(
    tx: Transaction,
    { staying, other }: Extract<MergeResult, { kind: 'decided' }>,
    decision: Extract<MergeDecision, { kind: 'merge' }>,
    by: string,
  ): Promise<OpenedRequest[]> {
    const { tenantId: tenant } = this;
    const two = { tenant, staying: staying.identityId, other: other.identityId };
    const after = afterMerge(staying, other, decision);
    const takesOver = decision.accounts.kind === 'take-over' ? 1 : 0;
    const detail = `This identity was merged into ${two.staying}.`;
    await run({ tx }, sql.endRequests, { tenant, other: two.other, detail });
    await run({ tx }, sql.moveLinks, { ...two, by });
    const [off] = await run<{ generation: number }>({ tx }, sql.switchOff, { ...two, takes_over: takesOver });
    await run({ tx }, sql.followOn, two);
    const [stays] = await run<{ generation: number }>({ tx }, sql.settleStaying, {
      ...{ ...two, takes_over: takesOver },
      ...{ reactivates: decision.reactivates ? 1 : 0, is_work: after.staying.isWork ? 1 : 0 },
    });
    const groups = await run<{ id: string }>({ tx }, sql.lockGroups, { tenant, other: two.other });
    for (const text of takesOver ? sql.members : [sql.moveMembers]) await run({ tx }, text, two);
    if (takesOver) await run({ tx }, sql.takeOver, two);
    await run({ tx }, sql.keepFormer, two);
    const work = [
      { identityId: two.staying, isWork: after.staying.isWork, generation: stays!.generation },
      { identityId: two.other, isWork: after.other.isWork, generation: off!.generation },
    ];
    const requests: OpenedRequest[] = [];
    for (const { isWork, ...about } of work)
      if (isWork) requests.push(await requestFor(tx, tenant, about, 'operator'));
    return [
      ...requests,
      ...(await requestsForGroups(
        tx,
        tenant,
        groups.map(({ id }) => id),
      )),
    ];
  }
}
