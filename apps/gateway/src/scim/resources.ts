import type { HeldGroup, ScimGroup, ScimMember, ScimUser } from '@foyer/persistence';
import {
  groupType,
  isSelected,
  project,
  PROVISIONING_URN,
  userType,
  withSchemas,
  type Document,
  type ResourceType,
  type Selection,
} from '@foyer/scim';
import { etagOf } from './etag.ts';

/** Base addresses: `scim` of the service, `api` of the REST API; neither ends in a slash. */
export interface Addresses {
  readonly scim: string;
  readonly api: string;
}

export const locationOf = ({ endpoint }: ResourceType, id: string, { scim }: Addresses): string =>
  `${scim}${endpoint}/${id}`;

export const requestAddress = (requestId: string, { api }: Addresses): string =>
  `${api}/provisioning-requests/${requestId}`;

interface Common {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly requestId: string | null;
  readonly inStep: boolean;
}

interface About extends Common {
  readonly etag: string;
  readonly boxId: string | null;
}

/** What both types have besides their own attributes (RFC 7643, section 3.1), and Box's progress. */
const common = (type: ResourceType, about: About, addresses: Addresses, more: Document = {}) => ({
  id: about.id,
  meta: {
    resourceType: type.name,
    created: about.createdAt.toISOString(),
    lastModified: about.updatedAt.toISOString(),
    location: locationOf(type, about.id, addresses),
    version: about.etag,
  },
  [PROVISIONING_URN]: {
    ...(about.requestId !== null && { request: requestAddress(about.requestId, addresses) }),
    inStep: about.inStep,
    ...(about.boxId !== null && { boxId: about.boxId }),
    ...more,
  },
});

export const userEtag = ({ generation, inStep, boxUserId, groups }: ScimUser): string =>
  etagOf(generation, [inStep, boxUserId, groups]);

/** Members that wait for their Box user are listed only when the client asks for them. */
export function groupEtag(
  { version, inStep, boxGroupId, members }: HeldGroup & Partial<Pick<ScimGroup, 'members'>>,
  selection: Selection,
): string {
  const isAsked = isSelected(selection, WAITING_MEMBERS, groupType);
  const waiting = (isAsked && members?.filter(({ waits }) => waits !== null)) || [];
  return etagOf(version, [inStep, boxGroupId, waiting]);
}

export const WAITING_MEMBERS = `${PROVISIONING_URN}:waitingMembers`;

export function userResource(user: ScimUser, addresses: Addresses, selection: Selection): Document {
  const groups = user.groups.map(({ value, display }) => {
    const $ref = locationOf(groupType, value, addresses);
    return { value, display, $ref, type: 'direct' };
  });
  const whole = {
    ...user.document,
    ...(groups.length > 0 && { groups }),
    ...common(userType, { ...user, etag: userEtag(user), boxId: user.boxUserId }, addresses),
  };
  return project(withSchemas(whole, userType), userType, selection);
}

/** `members` is absent when they were not read. */
export function groupResource(
  group: HeldGroup & Partial<Pick<ScimGroup, 'members'>>,
  addresses: Addresses,
  selection: Selection,
): Document {
  const { members } = group;
  const waiting = members?.filter(({ waits }) => waits !== null) ?? [];
  const whole = {
    displayName: group.displayName,
    ...(group.externalId !== null && { externalId: group.externalId }),
    ...(members && { members: members.map((member) => memberResource(member, addresses)) }),
    ...common(
      groupType,
      { ...group, etag: groupEtag(group, selection), boxId: group.boxGroupId },
      addresses,
      {
        ...(waiting.length > 0 && {
          waitingMembers: waiting.map(({ value, waits }) => ({ value, reason: waits })),
        }),
      },
    ),
  };
  return project(withSchemas(whole, groupType), groupType, selection);
}

/** A member that is not known yet has no address. */
const memberResource = ({ value, display, type, waits }: ScimMember, addresses: Addresses) => ({
  value,
  ...(display !== null && { display }),
  type,
  ...(waits !== 'unknown' && { $ref: locationOf(type === 'Group' ? groupType : userType, value, addresses) }),
});
