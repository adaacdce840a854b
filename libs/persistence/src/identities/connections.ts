import type { Database } from '../database/database.ts';
import { run, setStatement } from '../database/statement.ts';

/** A way in from a directory. */
export interface Connection {
  readonly kind: 'oidc' | 'saml' | 'scim';
  /** Unique within the tenant. */
  readonly name: string;
}

/** The connections that the environment's settings stand for. */
export const environmentConnections: readonly Connection[] = [
  { kind: 'oidc', name: 'oidc' },
  { kind: 'scim', name: 'scim' },
];

const open = setStatement<'tenant' | 'directory' | 'kinds' | 'names'>(
  'open-connections',
  `WITH known AS (
     INSERT INTO directory (tenant_id, key) VALUES ($tenant::uuid, $directory::text) ON CONFLICT DO NOTHING
   ) INSERT INTO connection AS c (tenant_id, directory, kind, name)
     SELECT $tenant::uuid, $directory::text, * FROM unnest($kinds::text[], $names::text[])
     ON CONFLICT (tenant_id, name) DO UPDATE SET directory = excluded.directory, kind = excluded.kind
     WHERE (c.directory, c.kind) IS DISTINCT FROM (excluded.directory, excluded.kind)`,
);

/**
 * Records the tenant's directory (its key is the issuer) and the connections from it. A connection of that name which
 * leads to another directory leads to this one from now on, because the settings decide.
 */
export async function openConnections(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  directory: string,
  connections: readonly Connection[] = environmentConnections,
): Promise<void> {
  await run(database, open, {
    ...{ tenant: tenantId, directory },
    kinds: connections.map(({ kind }) => kind),
    names: connections.map(({ name }) => name),
  });
}
