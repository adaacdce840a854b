import type { HeldGroup, ScimGroup, ScimMember, ScimUser } from '@foyer/persistence';
import {
  groupType,
  project,
  PROVISIONING_URN,
  userType,
  withSchemas,
  type Document,
  type ResourceType,
  type Selection,
} from '@foyer/scim';
import { etagOf } from './etag.ts';

/** Where things are: `scim` is the service's address, `api` the REST API's; neither ends in a slash. */
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
  readonly version: number;
  readonly boxId: string | null;
}

/** What both kinds of resource have besides their own attributes (RFC 7643, section 3.1), and how far Box is. */
const common = (type: ResourceType, about: About, addresses: Addresses, more: Document = {}) => ({
  id: about.id,
  meta: {
    resourceType: type.name,
    created: about.createdAt.toISOString(),
    lastModified: about.updatedAt.toISOString(),
    location: locationOf(type, about.id, addresses),
    version: etagOf(about.version),
  },
  [PROVISIONING_URN]: {
    ...(about.requestId !== null && { request: requestAddress(about.requestId, addresses) }),
    inStep: about.inStep,
    ...(about.boxId !== null && { boxId: about.boxId }),
    ...more,
  },
});

export function userResource(user: ScimUser, addresses: Addresses, selection: Selection): Document {
  const groups = user.groups.map(({ value, display }) => {
    const $ref = locationOf(groupType, value, addresses);
    return { value, display, $ref, type: 'direct' };
  });
  const whole = {
    ...user.document,
    ...(groups.length > 0 && { groups }),
    ...common(userType, { ...user, version: user.generation, boxId: user.boxUserId }, addresses),
  };
  return project(withSchemas(whole, userType), userType, selection);
}

/** `members` is absent where they were not read. */
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
    ...common(groupType, { ...group, boxId: group.boxGroupId }, addresses, {
      ...(waiting.length > 0 && {
        waitingMembers: waiting.map(({ value, waits }) => ({ value, reason: waits })),
      }),
    }),
  };
  return project(withSchemas(whole, groupType), groupType, selection);
}

/** Who is not known has no address. */
const memberResource = ({ value, display, type, waits }: ScimMember, addresses: Addresses) => ({
  value,
  ...(display !== null && { display }),
  type,
  ...(waits !== 'unknown' && { $ref: locationOf(type === 'Group' ? groupType : userType, value, addresses) }),
});
