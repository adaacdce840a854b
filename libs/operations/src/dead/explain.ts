import { ApiCalls, Identities, Requests, ScimGroups, type About, type ScimGroup } from '@foyer/persistence';
import { remedyOf, type ApiCall, type Identity, type ProvisioningRequest } from '@foyer/shared';
import type { TenantSources } from '../sources.ts';

/** A request that was tried for hours made many calls, and the last ones show why it failed. */
const CALLS = 200;

export interface ExplainedRequest {
  readonly request: ProvisioningRequest;
  /** Null when the request is about a group. */
  readonly identity: Identity | null;
  /** Null when the request is about a person, or the group was deleted. */
  readonly group: ScimGroup | null;
  /** The newest calls to Box, newest first. */
  readonly calls: readonly ApiCall[];
  /** True when there are older calls than these. */
  readonly isCut: boolean;
  /** What to do, in one sentence or two. */
  readonly advice: string;
  /** True when it failed and no later request resolved it. */
  readonly isDead: boolean;
}

/** A request with what it did at Box and what to do about it; null when the tenant has none with that id. */
export async function explainRequest(
  { database, tenantId }: TenantSources,
  id: string,
): Promise<ExplainedRequest | null> {
  const requests = new Requests(database, tenantId);
  const found = await requests.find(id, {});
  if (found === null) return null;
  const { request } = found;
  const { identityId, groupId } = request;
  const identity = identityId === null ? null : await new Identities(database, tenantId).find(identityId);
  const group = groupId === null ? null : await new ScimGroups(database, tenantId).find(groupId, false);
  const calls = await new ApiCalls(database, tenantId).list({ requestId: id, limit: CALLS });
  const about: About = identityId === null ? { groupId: groupId! } : { identityId };
  const newest = (await requests.newest(about))!;
  return {
    ...{ request, identity, group, calls: calls.items, isCut: calls.nextCursor !== null },
    advice: adviceOn(request, identity, newest),
    isDead: request.status === 'failed' && newest.id === id && !isMergedAway(identity),
  };
}

type Person = Pick<Identity, 'active' | 'boxAccount' | 'mergedInto'>;
/** Merged into another identity, without a Box user of its own: nothing is left to do, and `dead list` omits it. */
const isMergedAway = (identity: Person | null): boolean =>
  identity !== null && identity.mergedInto !== null && identity.boxAccount === null;

type Judged = Pick<ProvisioningRequest, 'id' | 'status' | 'error'>;

/** What an operator should do about a request, given the newest one about the same person or group. Pure. */
export function adviceOn(
  request: Judged,
  identity: Person | null,
  newest: Pick<Judged, 'id' | 'status'>,
): string {
  if (newest.id !== request.id)
    return `No action is needed: a newer request, ${newest.id}, is ${newest.status}.`;
  if (request.status !== 'failed') return `No action is needed: the request is ${request.status}.`;
  if (isMergedAway(identity)) return remedyOf('identity_merged', true);
  if (identity && !identity.active && identity.boxAccount === null)
    return 'Okta deactivated this person. Do nothing, or reactivate the person in Okta first.';
  const remedy = request.error === null ? '' : remedyOf(request.error.code, true);
  return `${remedy} Then: dead retry ${request.id}`.trim();
}
