import type { Database } from '@foyer/persistence';

/** The tenant that an operation is about. */
export interface TenantSources {
  readonly database: Database;
  readonly tenantId: string;
}
