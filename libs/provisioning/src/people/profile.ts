import type { BoxAccount, BoxChange, BoxProfile, Desired } from './model.ts';

/** The fields that an empty text clears in Box; language and time zone can only be changed. */
const clearable: Readonly<Record<keyof BoxProfile, boolean>> = {
  language: false,
  timezone: false,
  jobTitle: true,
  phone: true,
  address: true,
};
const keys = Object.keys(clearable) as (keyof BoxProfile)[];

/**
 * The external id, if Box has another one. Applies to deactivated users too, because another person may need their old
 * id.
 */
export const externalIdChange = (desired: Desired, account: BoxAccount): Pick<BoxChange, 'externalId'> =>
  (account.externalId ?? desired.externalId) === desired.externalId ? {} : { externalId: desired.externalId };

/** The fields of an active person, besides the status, that differ in Box; null when none does. */
export function changeOf(desired: Desired, account: BoxAccount): BoxChange | null {
  const change: BoxChange = {
    ...(account.name !== desired.name && { name: desired.name }),
    ...externalIdChange(desired, account),
    ...profileChange(desired.profile ?? {}, account.profile ?? {}),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** As `changeOf`, but for unknown values in Box: every desired field, and every field that may have to be cleared. */
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

/** The profile as applied after Box has accepted the change. */
export function profileAfter(applied: BoxProfile, change: BoxProfile): BoxProfile {
  const entries = keys.flatMap((key) => {
    const value = change[key] ?? applied[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}
