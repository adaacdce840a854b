import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import {
  boxGroupName,
  LeaseLost,
  type BoxGroupAccount,
  type GroupLease,
  type GroupStore,
  type MemberAnswer,
  type MemberTask,
  type SaveResult,
  type TakenGroup,
} from '@foyer/provisioning';
import { run } from '../database/statement.ts';
import { toUnread, type LeaseRow } from '../convergence/taking.ts';
import { isViolationOf, LeasedStore } from '../convergence/attempt-store.ts';
import * as statements from './group-statements.ts';

interface GroupRow extends LeaseRow {
  readonly display_name: string;
  readonly is_deleted: boolean;
  readonly generation: number;
  readonly box_group_id: string | null;
  readonly box_name: string | null;
  readonly is_surveyed: boolean;
  readonly begun_name: string | null;
  readonly taken_name: string | null;
  readonly surveyed_to: number;
  readonly is_in_the_way: boolean;
  readonly effect: RequestOutcome | null;
}

interface TaskRow {
  readonly value: string | null;
  readonly identity_id: string | null;
  readonly is_wanted: boolean;
  readonly box_membership_id: string | null;
  readonly add_to: string;
  readonly box_user_id: string | null;
  readonly answer: MemberAnswer | null;
  readonly is_begun: boolean;
}

/** A worker's database operations for groups; `GroupStore` describes each method. */
export class PrismaGroupStore extends LeasedStore<TakenGroup, GroupRow> implements GroupStore {
  protected readonly statements = statements.attempts;

  protected leaseOf({ holder_id: groupId }: GroupRow, requestId: string, token: bigint): GroupLease {
    return { groupId, requestId, token };
  }

  protected read(lease: GroupLease, row: GroupRow): TakenGroup {
    return {
      ...toUnread(lease, row),
      desired: {
        groupId: row.holder_id,
        name: boxGroupName(row.display_name),
        isDeleted: row.is_deleted,
        isInTheWay: row.is_in_the_way,
        generation: row.generation,
      },
      account:
        row.box_group_id === null
          ? null
          : {
              ...{ boxGroupId: row.box_group_id, name: row.box_name! },
              ...{ isSurveyed: row.is_surveyed, surveyedTo: row.surveyed_to },
            },
      begunAs: row.begun_name,
      takenName: row.taken_name,
      effect: row.effect,
    };
  }

  begin(lease: GroupLease, name: string | null): Promise<void> {
    return this.fenced(lease, statements.begin, { name });
  }

  noteTaken(lease: GroupLease, name: string | null): Promise<void> {
    return this.fenced(lease, statements.noteTaken, { name });
  }

  async saveGroup(
    lease: GroupLease,
    account: BoxGroupAccount | null,
    { event, effect }: { readonly event: TimelineEvent; readonly effect: RequestOutcome | null },
  ): Promise<SaveResult> {
    if (account === null) await this.fenced(lease, statements.dropMembers, {});
    try {
      await this.fenced(lease, statements.save, {
        box_group: account?.boxGroupId ?? null,
        box_name: account?.name ?? null,
        surveyed_to: account?.surveyedTo ?? 0,
        surveyed: (account?.isSurveyed ?? true) ? 1 : 0,
        detail: account && `Box group ${account.boxGroupId}`,
        ...{ event, effect },
      });
      return 'saved';
    } catch (error) {
      if (isViolationOf(error, 'scim_group_box_group')) return 'belongs-to-another';
      throw error;
    }
  }

  noteMemberships(
    lease: GroupLease,
    memberships: readonly { readonly id: string; readonly boxUserId: string }[],
    surveyedTo: number,
  ): Promise<void> {
    return this.fenced(lease, statements.noteMemberships, {
      ...{ memberships: JSON.stringify(memberships), surveyed_to: surveyedTo },
    });
  }

  async memberTasks(lease: GroupLease, after: string | null, limit: number): Promise<MemberTask[]> {
    const values = { after: after ?? '', limit };
    const rows = await this.fencedRows<keyof typeof values, TaskRow>(lease, statements.memberTasks, values);
    return rows.flatMap((row) => toTask(row));
  }

  memberAnswered(lease: GroupLease, { value }: MemberTask, answer: MemberAnswer): Promise<void> {
    return this.fenced(lease, statements.memberAnswered, { value, answer });
  }

  memberAdded(lease: GroupLease, task: MemberTask, membershipId: string): Promise<void> {
    const { value, boxUserId } = task;
    return this.fenced(lease, statements.memberAdded, {
      ...{ value, box_user: boxUserId, membership: membershipId },
    });
  }

  memberFound(lease: GroupLease, { value, boxUserId }: MemberTask, membershipId: string): Promise<void> {
    return this.fenced(lease, statements.memberFound, {
      ...{ value, box_user: boxUserId, membership: membershipId },
    });
  }

  memberRemoved(lease: GroupLease, { value }: MemberTask): Promise<void> {
    return this.fenced(lease, statements.memberRemoved, { value });
  }

  memberRefused(lease: GroupLease, { value }: MemberTask, why: string): Promise<void> {
    return this.fenced(lease, statements.memberRefused, { value, why });
  }

  noteMembers(
    lease: GroupLease,
    {
      added,
      removed,
      refused,
    }: { readonly added: number; readonly removed: number; readonly refused: number },
  ): Promise<void> {
    const effect: RequestOutcome | null = added + removed > 0 ? 'updated' : null;
    const detail = `${added} added, ${removed} removed${refused > 0 ? `, ${refused} refused by Box` : ''}`;
    return this.fenced(lease, statements.noteMembers, { effect, event: 'box-members-changed', detail });
  }

  async finish(lease: GroupLease, outcome: RequestOutcome, generation: number): Promise<boolean> {
    const { groupId: holder, requestId: request, token } = lease;
    const held = { holder, token, tenant: this.tenantId };
    const done = await run(this.database, statements.finish, { ...held, request, outcome, generation });
    if (done.length > 0) return true;
    if ((await run(this.database, statements.holds, held)).length > 0) return false;
    throw new LeaseLost(`Another worker has taken over lease ${token} of ${holder}.`);
  }
}

/** A row without a value only shows that the lease is held. A member who was changed meanwhile is not begun. */
function toTask(row: TaskRow): MemberTask[] {
  if (row.value === null || !row.is_begun) return [];
  const { value, identity_id: identityId, answer } = row;
  if (row.is_wanted) return [{ kind: 'add', value, identityId, answer, boxUserId: row.add_to }];
  const boxUserId = row.box_user_id ?? row.add_to;
  return [{ kind: 'remove', value, identityId, answer, boxUserId, membershipId: row.box_membership_id }];
}
