import { isNameKey } from '../scim/users/user-names.ts';

type Of<K extends string> = { readonly [key in K]: string };

/** In SQL: whether SCIM gave the user name to a person with another id: here it counts as claimed. */
export const isUserNameTaken = (of: Of<'tenant' | 'subject' | 'username'>): string => `EXISTS (
    SELECT FROM identity o WHERE o.tenant_id = ${of.tenant} AND o.scim IS NOT NULL AND o.scim_deleted_at IS NULL
      AND o.subject <> ${of.subject} AND scim_user_name(o.username) = scim_user_name(${of.username}))`;

/** In SQL: whether row `o` is a deactivated person with another id, whom a directory may find by the user name. */
export const isNamesake = (of: Of<'tenant' | 'issuer' | 'subject' | 'username'>): string =>
  `o.tenant_id = ${of.tenant} AND NOT o.active AND o.merged_into IS NULL
      AND scim_user_name(o.username) = scim_user_name(${of.username}) AND ${isNameKey('o')}
      AND (o.issuer, o.subject) IS DISTINCT FROM (${of.issuer}, ${of.subject})`;
