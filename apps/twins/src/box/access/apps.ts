import type { KeyObject } from 'node:crypto';

export type GrantName = 'client_credentials' | 'jwt';

/** A Box Platform app, authorized or not, in the twin's only enterprise; its app users belong to it alone. */
export interface BoxApp {
  clientId: string;
  clientSecret: string;
  /** The application id, the middle part of its users' logins. */
  serviceId: string;
  serviceAccountId: string;
  publicKeys: KeyObject[];
  /** Approved by the enterprise's admin. */
  authorized: boolean;
  /** "Manage users" scope. */
  manageUsers: boolean;
  /** "Manage groups" scope. */
  manageGroups: boolean;
  /** Advanced feature "Generate user access tokens". */
  userTokens: boolean;
  /** Advanced feature "Make API calls using the as-user header". */
  asUser: boolean;
  /** "App + Enterprise Access": the app can access managed users. */
  enterpriseAccess: boolean;
  grants: GrantName[];
}

export type AppSwitches = Pick<
  BoxApp,
  'authorized' | 'manageUsers' | 'manageGroups' | 'userTokens' | 'asUser' | 'enterpriseAccess' | 'grants'
>;

export const appDefaults: Readonly<AppSwitches> = {
  authorized: true,
  manageUsers: true,
  manageGroups: true,
  userTokens: true,
  asUser: true,
  enterpriseAccess: true,
  grants: ['client_credentials', 'jwt'],
};

/** A seven-digit application id that stays the same for the same client id. */
export function serviceIdOf(clientId: string): string {
  let hash = 0;
  for (const char of clientId) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9_000_000;
  return String(1_000_000 + hash);
}
