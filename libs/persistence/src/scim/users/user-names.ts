/**
 * By which user names SCIM clients find people. A name that a sign-in only claimed is excluded: an attacker could claim
 * another person's name, and their directory would link the two. Such a person is shown under a stand-in, and found by
 * their external id.
 */

const STAND_IN_NAME = 'sign-in:';
const STAND_IN = /^sign-in:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** Whether a directory may find and link a row of identity by its user name. */
export const isNameKey = (row: string): string =>
  `(${row}.scim IS NOT NULL OR ${row}.username_source <> 'claimed')`;

/** The user name of a row of identity as SCIM shows it. */
export const shownName = (row: string): string =>
  `CASE WHEN ${isNameKey(row)} THEN ${row}.username ELSE '${STAND_IN_NAME}' || ${row}.id END`;

/** The id in a stand-in; null for a user name. */
export const idInStandIn = (name: string): string | null => STAND_IN.exec(name)?.[1]?.toLowerCase() ?? null;
