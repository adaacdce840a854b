import type { ScimState } from '../demonstration/okta-provisioning.ts';
import type { Stack } from '../stack/stack.ts';
import type { BoxTwinState, BoxTwinUser, OktaPerson } from '../stack/twins.ts';

/**
 * Returns how Box differs from Okta, one sentence each, from the state of the two twins, which do not know each other
 * or the database. Call it when no work is left. `firstIds`: of people who have another Okta id now, the one under which
 * Box got to know them, by the new one.
 */
export async function differences(
  { okta, box }: Stack,
  firstIds: ReadonlyMap<string, string> = new Map(),
): Promise<string[]> {
  const [people, scim, state] = [await okta.people(), await okta.scim.state(), await box.state()];
  return [
    ...people.flatMap((person) => differencesOf(person, firstIds.get(person.id) ?? person.id, scim, state)),
    ...scim.groups.flatMap((group) => differencesOfGroup(group, scim, state)),
  ];
}

function differencesOf(
  person: OktaPerson,
  inBox: string,
  scim: ScimState,
  { users }: BoxTwinState,
): string[] {
  const link = scim.users.find((one) => one.person === person.id);
  if (!link) return [];
  const own = users.filter(({ externalId }) => externalId === inBox);
  const [user] = own;
  if (user === undefined || own.length !== 1) return [`${person.login} has ${own.length} Box users`];
  const status = link.active ? 'active' : 'inactive';
  if (user.status !== status) return [`${person.login} is ${status} in Okta, ${user.status} in Box`];
  if (!link.active) return [];
  const wanted = inBoxTerms(person);
  return (Object.keys(wanted) as (keyof typeof wanted)[]).flatMap((key) =>
    wanted[key] === undefined || wanted[key] === user[key]
      ? []
      : [`${person.login}: ${key} should be "${wanted[key]}", but is "${user[key]}" in Box`],
  );
}

/** A language and a time zone that Okta does not set stay unchanged in Box: undefined. */
function inBoxTerms({ name, login, profile }: OktaPerson) {
  const town = [profile['zipCode'], profile['city']].filter(Boolean).join(' ');
  const address = [profile['streetAddress'], town, profile['state'], profile['countryCode']];
  const locale = profile['preferredLanguage'] ?? profile['locale'];
  return {
    name: name ?? login,
    jobTitle: profile['title'] ?? '',
    phone: profile['primaryPhone'] ?? profile['mobilePhone'] ?? '',
    address: address.filter(Boolean).join(', '),
    language: locale && (BOX_LANGUAGES[locale] ?? locale.slice(0, 2)),
    timezone: profile['timezone'],
  } satisfies Partial<Record<keyof BoxTwinUser, string | undefined>>;
}

const BOX_LANGUAGES: Readonly<Record<string, string>> = { en_GB: 'gb', fr_CA: 'f2', zh_TW: 'zt' };

function differencesOfGroup(
  { name, members }: ScimState['groups'][number],
  { users }: ScimState,
  box: BoxTwinState,
): string[] {
  const own = box.groups.filter((group) => group.name === name);
  if (own.length !== 1) return [`there are ${own.length} groups "${name}" in Box`];
  const externalIds = new Map(box.users.map(({ id, externalId }) => [id, externalId ?? id]));
  const inBox = new Set(
    box.memberships
      .filter(({ groupId }) => groupId === own[0]!.id)
      .map(({ userId }) => externalIds.get(userId) ?? userId),
  );
  const persons = new Map(users.map(({ id, person }) => [id, person]));
  const wanted = new Set(members.map((id) => persons.get(id) ?? id));
  const [missing, tooMany] = [without(wanted, inBox), without(inBox, wanted)];
  return [
    ...missing.map((id) => `${id} is missing from "${name}" in Box`),
    ...tooMany.map((id) => `${id} is in "${name}" in Box, but not in Okta's`),
  ];
}

const without = (some: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...some].filter((one) => !others.has(one));
