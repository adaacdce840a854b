import { boxDate } from '../http/dates.ts';
import type { BoxGroup, Membership } from './group-store.ts';
import type { BoxUser } from '../users/user-store.ts';
import { pick, splitFields, userMini } from '../users/user-view.ts';

const miniFields = ['type', 'id', 'name', 'group_type'];
const standardFields = [...miniFields, 'created_at', 'modified_at'];
const membershipMiniFields = ['type', 'id', 'user', 'group', 'role'];
const membershipFields = [...membershipMiniFields, 'configurable_permissions', 'created_at', 'modified_at'];

/** The default fields: a listing has fewer than a single group (fixtures of Box's SDK). */
export type Detail = 'listed' | 'single';

/** A group as Box returns it; provenance and the later fields only when `fields` names them. */
export function groupView(group: BoxGroup, fields: string | null, detail: Detail): object {
  return project(fullGroup(group), fields, detail === 'listed' ? miniFields : standardFields);
}

export function membershipView(
  membership: Membership,
  parts: { user: BoxUser; group: BoxGroup },
  fields: string | null,
  detail: Detail,
): object {
  const full = {
    type: 'group_membership',
    id: membership.id,
    user: userMini(parts.user),
    group: pick(fullGroup(parts.group), miniFields),
    role: membership.role,
    configurable_permissions: membership.role === 'admin' ? membership.permissions : undefined,
    created_at: boxDate(membership.createdAt),
    modified_at: boxDate(membership.modifiedAt),
  };
  return project(full, fields, detail === 'listed' ? membershipMiniFields : membershipFields);
}

const project = (full: Record<string, unknown>, fields: string | null, unasked: string[]): object =>
  pick(full, fields === null ? unasked : ['type', 'id', ...splitFields(fields)]);

function fullGroup(group: BoxGroup): Record<string, unknown> {
  return {
    type: 'group',
    id: group.id,
    name: group.name,
    group_type: 'managed_group',
    created_at: boxDate(group.createdAt),
    modified_at: boxDate(group.modifiedAt),
    ...group.profile,
    permissions: { can_invite_as_collaborator: true },
  };
}
