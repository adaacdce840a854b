import type { BoxAccount, BoxChange, BoxProfile, Desired } from './model.ts';

/** What Box can be told to forget, by an empty text; a language or a time zone only to change. */
const clearable: Readonly<Record<keyof BoxProfile, boolean>> = {
  language: false,
  timezone: false,
  jobTitle: true,
  phone: true,
  address: true,
};
const keys = Object.keys(clearable) as (keyof BoxProfile)[];

/** The external id, where Box has another one. Also of whoever is switched off: somebody else may have been given theirs. */
export const externalIdChange = (desired: Desired, account: BoxAccount): Pick<BoxChange, 'externalId'> =>
  (account.externalId ?? desired.externalId) === desired.externalId ? {} : { externalId: desired.externalId };

/** What Box has to be told of an active person besides their status; null when it knows it all. */
export function changeOf(desired: Desired, account: BoxAccount): BoxChange | null {
  const change: BoxChange = {
    ...(account.name !== desired.name && { name: desired.name }),
    ...externalIdChange(desired, account),
    ...profileChange(desired.profile ?? {}, account.profile ?? {}),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** As `changeOf`, whatever Box is thought to have: all that is said, and what may have to be forgotten. */
export const wholeChange = (desired: Desired, account: BoxAccount): BoxChange => ({
  name: desired.name,
  ...(account.externalId !== undefined && { externalId: desired.externalId }),
  ...profileChange(desired.profile ?? {}, account.profile ?? {}),
  ...desired.profile,
});

function profileChange(wanted: BoxProfile, applied: BoxProfile): BoxProfile {
  const changed = keys.flatMap((key) => {
    const value = wanted[key] ?? (clearable[key] && applied[key] ? '' : undefined);
    return value === undefined || value === applied[key] ? [] : [[key, value] as const];
  });
  return Object.fromEntries(changed);
}

/** The profile as applied once Box has taken the change. */
export function profileAfter(applied: BoxProfile, change: BoxProfile): BoxProfile {
  const entries = keys.flatMap((key) => {
    const value = change[key] ?? applied[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}
