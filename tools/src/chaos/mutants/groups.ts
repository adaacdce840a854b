import type { SourceMutant } from './mutant.ts';

const plan = 'libs/provisioning/src/groups/plan-group.ts';
const converge = 'libs/provisioning/src/groups/converge-group.ts';
const members = 'libs/provisioning/src/groups/converge-members.ts';
const statements = 'libs/persistence/src/groups/group-statements.ts';
const scim = 'libs/persistence/src/scim/groups/group-members.ts';

/** Guards of groups and their members: in the plan, in the database, and in pushes. */
export const groupMutants: readonly SourceMutant[] = [
  {
    name: 'group: a deleted group stays in Box',
    file: plan,
    from: "if (account) return { kind: 'delete', boxGroupId: account.boxGroupId };",
    to: "if (account) return { kind: 'finish', outcome: effect ?? 'unchanged' };",
  },
  {
    name: 'group: an unsettled create is ignored when the group is deleted',
    file: plan,
    from: "if (begunAs === null) return { kind: 'finish'",
    to: "if (begunAs !== undefined) return { kind: 'finish'",
  },
  {
    name: 'group: an unsettled create is repeated under the new name',
    file: plan,
    from: 'planNewGroup(begunAs ?? desired.name, known)',
    to: 'planNewGroup(desired.name, known)',
  },
  {
    name: 'group: keeps its old name',
    file: plan,
    from: "if (account.name !== name) return { kind: 'rename', boxGroupId, name };",
    to: "if (account.name !== name && name === '') return { kind: 'rename', boxGroupId, name };",
  },
  {
    name: 'group: an adopted group is not surveyed',
    file: plan,
    from: "if (!account.isSurveyed) return { kind: 'survey', boxGroupId };",
    to: '',
    unseen:
      'A group that an unsettled create of ours made has no members yet: groups.test.ts adopts one that has.',
  },
  {
    name: 'group: a create is not recorded before it is sent',
    file: converge,
    from: 'if (isFirst) await parts.store.begin(taken.lease, name);',
    to: '',
  },
  {
    name: 'group: an ambiguous create counts as refused',
    file: converge,
    from: 'if (isFirst && (result.ok || !result.fault.ambiguous))',
    to: 'if (isFirst)',
  },
  {
    name: 'group: calls about it are not fenced',
    file: converge,
    from: '    identityId: null,\n    lease,',
    to: '    identityId: null,\n    lease: null,',
  },
  {
    name: 'members: an unsettled add is dropped without a look-up',
    file: members,
    from: 'if (membershipId === null) {\n    const settled',
    to: 'if (membershipId === null && isNever()) {\n    const settled',
  },
  {
    name: 'members: an empty listing settles an add',
    file: members,
    from: 'if (!found.ok || found.value !== null) return found;\n  }',
    to: 'if (found.ok || found === undefined) return found;\n  }',
  },
  {
    name: 'members: a failed removal counts as done',
    file: members,
    from: 'if (!result.ok) return result.fault;\n  }\n  await store.memberRemoved',
    to: "if (!result.ok && result.fault.code === 'internal_error') return result.fault;\n  }\n  await store.memberRemoved",
  },
  {
    name: 'members: are not marked before Box is asked',
    file: statements,
    from: 'UPDATE scim_group_member m SET is_unsettled = true, trouble = NULL, box_answer = t.answer',
    to: 'UPDATE scim_group_member m SET is_unsettled = m.is_unsettled, trouble = NULL, box_answer = t.answer',
  },
  {
    name: 'members: a member who is wanted again is dropped with the removal',
    file: statements,
    from: 'USING fence f WHERE m.group_id = f.id AND m.value = $value::text AND NOT m.is_wanted',
    to: 'USING fence f WHERE m.group_id = f.id AND m.value = $value::text',
  },
  {
    name: 'members: the request ends while members still need a change',
    file: statements,
    from: 'AND (g.generation <> $generation::int OR g.deleted_at IS NOT NULL OR NOT EXISTS (',
    to: 'AND (true OR NOT EXISTS (',
    unseen: 'Each reason for a new task makes a new generation; group-finish.test.ts has the others.',
  },
  {
    name: 'group: ends without its lease',
    file: statements,
    from: 'AND g.lease_token = $token::bigint AND g.lease_expires_at > clock_timestamp()',
    to: 'AND g.lease_token >= $token::bigint',
  },
  {
    name: 'group: the end applies to a newer generation',
    file: statements,
    from: 'SET lease_expires_at = NULL, applied_generation = $generation::int',
    to: 'SET lease_expires_at = NULL, applied_generation = g.generation + 0 * $generation::int',
  },
  {
    name: 'members: a member who is removed while their add is unsettled is dropped',
    file: scim,
    from: 'WHERE m.box_membership_id IS NULL AND NOT m.is_unsettled AND ${condition} RETURNING 1',
    to: 'WHERE m.box_membership_id IS NULL AND ${condition} RETURNING 1',
  },
  {
    name: 'members: a removed member stays in Box',
    file: scim,
    from: 'WHERE m.is_wanted AND (m.box_membership_id IS NOT NULL OR m.is_unsettled) AND ${condition} RETURNING 1',
    to: 'WHERE m.is_wanted AND m.is_unsettled AND ${condition} RETURNING 1',
  },
  {
    name: 'members: a member added again after an unanswered removal counts as still in Box',
    file: scim,
    from: 'CASE WHEN NOT m.is_unsettled THEN m.box_membership_id END',
    to: 'm.box_membership_id',
  },
  {
    name: 'members: a member added again during their removal is not wanted',
    file: scim,
    from: 'export const wantedAgain = `is_wanted = true,',
    to: 'export const wantedAgain = `is_wanted = m.is_wanted,',
  },
];
