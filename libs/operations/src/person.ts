import {
  Identities,
  PEOPLE_SHOWN,
  PeopleOverview,
  Requests,
  type Database,
  type FoundBy,
  type PersonSurroundings,
} from '@foyer/persistence';
import {
  errorCatalog,
  isFinal,
  type Identity,
  type ProvisioningRequest,
  type ProvisioningRequestSummary,
} from '@foyer/shared';

export interface PersonReport extends PersonSurroundings {
  readonly foundBy: FoundBy;
  readonly identity: Identity;
  /** Newest first. */
  readonly requests: readonly ProvisioningRequestSummary[];
  /** Why the person sees no files, or may soon see none, with what to do; null when no obstacle is known. */
  readonly whyNoFiles: string | null;
}

export interface PeopleReport {
  readonly people: readonly PersonReport[];
  /** True when more people match than are returned. */
  readonly hasMore: boolean;
}

const REQUESTS_SHOWN = 5;

/**
 * The people that `query` names: an identity id, a subject (Okta id), a Box user id, a user name in any case, an e-mail
 * address or a part of a name. Changes nothing.
 */
export async function explainPeople(
  { database, tenantId }: { readonly database: Database; readonly tenantId: string },
  query: string,
): Promise<PeopleReport> {
  const overview = new PeopleOverview(database, tenantId);
  const found = await overview.find(query);
  const people: PersonReport[] = [];
  for (const { identityId, by } of found.slice(0, PEOPLE_SHOWN)) {
    const person = await explainPerson({ database, tenantId }, identityId, by);
    if (person !== null) people.push(person);
  }
  return { people, hasMore: found.length > PEOPLE_SHOWN };
}

/** One person, by the id of the identity; null when it does not exist in this tenant. Changes nothing. */
export async function explainPerson(
  { database, tenantId }: { readonly database: Database; readonly tenantId: string },
  identityId: string,
  foundBy: FoundBy = 'identity id',
): Promise<PersonReport | null> {
  const identity = await new Identities(database, tenantId).find(identityId);
  const surroundings = await new PeopleOverview(database, tenantId).surroundings(identityId);
  if (identity === null || surroundings === null) return null;
  const { items } = await new Requests(database, tenantId).list({ identityId, limit: REQUESTS_SHOWN });
  const { mergedInto } = surroundings;
  return {
    ...surroundings,
    foundBy,
    identity,
    requests: items,
    whyNoFiles:
      mergedInto === null
        ? whyNoFiles(identity, items[0] ?? null)
        : `This identity was merged into ${mergedInto}, which has the files of the person.`,
  };
}

type Newest = Pick<ProvisioningRequest, 'id' | 'status' | 'outcome' | 'error' | 'nextAttemptAt'> | null;

/** The obstacle between a person and their files, as far as Foyer's own data shows one. Pure. */
export function whyNoFiles({ active, boxAccount }: Identity, newest: Newest): string | null {
  if (!active && newest?.outcome === 'kept' && boxAccount !== null)
    return (
      `The person was deleted over SCIM. Box did not delete the Box user ${boxAccount.boxUserId}: it is kept, inactive. ` +
      `The timeline of request ${newest.id} says why. When nobody needs its content any more, delete the user in Box.`
    );
  if (!active)
    return 'The person is deactivated. To reactivate the person, push them as active from Okta, or assign the app to them.';
  if (boxAccount === null) return `There is no Box user yet. ${whyNotYet(newest)}`;
  if (boxAccount.missingSince !== null)
    return (
      `The Box user ${boxAccount.boxUserId} was deleted in Box; Foyer found this at ${boxAccount.missingSince}. ` +
      'Restore it in Box, or create a new, empty one: npm run foyer -- box-app recreate IDENTITY.'
    );
  if (boxAccount.status === 'inactive')
    return `The Box user ${boxAccount.boxUserId} is inactive in Box although the person is active here. ${whyNotYet(newest)}`;
  if (!boxAccount.inStep) return `Box does not have the newest profile yet. ${whyNotYet(newest)}`;
  return null;
}

function whyNotYet(newest: Newest): string {
  if (newest === null) return 'There is no request. The next sign-in, or a push, creates one.';
  const { id, status, error, nextAttemptAt } = newest;
  const reason = error === null ? '' : ` (${error.code}: ${error.title})`;
  if (status === 'failed') {
    const remedy = error === null ? '' : ` ${errorCatalog[error.code].remedy}`;
    return `Request ${id} failed${reason}.${remedy} Then: npm run foyer -- dead retry ${id}.`;
  }
  if (isFinal(status))
    return `Request ${id} ended as ${status}. The next sign-in, or a push, creates another one.`;
  const when = nextAttemptAt === null ? '' : `; the next attempt is at ${nextAttemptAt}`;
  return `Request ${id} is ${status}${reason}${when}.`;
}
