import type { BoxApp } from '@foyer/provisioning';
import type { Database } from '../database/database.ts';
import { run, statement, type SqlValue } from '../database/statement.ts';

export interface BoxAppState {
  /** The Box app that the tenant's accounts belong to; null before the first process bound one. */
  readonly bound: (BoxApp & { readonly since: Date }) | null;
  /** The Box app of this process's configuration. */
  readonly configured: BoxApp;
  /** True when the two differ: no identity may be provisioned. */
  readonly differs: boolean;
}

/** In SQL: whether the tenant `t` is bound to the app of `boundValues`. */
export const isBound = `(t.box_client_id IS NOT DISTINCT FROM $client::text
  AND t.box_enterprise_id IS NOT DISTINCT FROM $enterprise::text)`;
export type BoundValue = 'client' | 'enterprise';
export const boundValues = ({ clientId, enterpriseId }: BoxApp): Record<BoundValue, SqlValue> => ({
  ...{ client: clientId, enterprise: enterpriseId },
});

const bindTenant = statement<'tenant' | BoundValue>(
  'box-app-bind',
  `UPDATE tenant SET box_client_id = $client, box_enterprise_id = $enterprise, box_bound_at = clock_timestamp()
   WHERE id = $tenant::uuid AND box_client_id IS NULL
   RETURNING (SELECT count(*)::int FROM box_account a WHERE a.tenant_id = tenant.id) AS accounts`,
);

const readTenant = statement<'tenant'>(
  'box-app-read',
  `SELECT box_client_id AS client_id, box_enterprise_id AS enterprise_id, box_bound_at AS since
   FROM tenant WHERE id = $tenant::uuid`,
);

interface Row {
  client_id: string | null;
  enterprise_id: string | null;
  since: Date | null;
}

/** How long a state may be answered from memory, in milliseconds. */
const FRESH_MS = 1_000;

/** The Box app that a tenant's accounts belong to, compared with the one that this process is configured with. */
export class TenantBoxApp {
  readonly configured: BoxApp;
  private readonly database: Database;
  private readonly tenantId: string;
  private known: { readonly state: BoxAppState; readonly at: number } | null = null;

  constructor(database: Database, tenantId: string, configured: BoxApp) {
    this.database = database;
    this.tenantId = tenantId;
    this.configured = configured;
  }

  /**
   * Binds the tenant to the configured app unless it is bound. Returns how many accounts it had when this call bound
   * it: they were created before bindings existed. Null when it was already bound, to any app.
   */
  async bind(): Promise<{ accounts: number } | null> {
    const values = { tenant: this.tenantId, ...boundValues(this.configured) };
    const [row] = await run<{ accounts: number }>(this.database, bindTenant, values);
    return row ?? null;
  }

  /** The current state. */
  async read(): Promise<BoxAppState> {
    const [row] = await run<Row>(this.database, readTenant, { tenant: this.tenantId });
    const state = toState(row, this.configured);
    this.known = { state, at: performance.now() };
    return state;
  }

  /** A state at most a second old, for frequent callers. */
  async state(): Promise<BoxAppState> {
    const { known } = this;
    return known !== null && performance.now() - known.at < FRESH_MS ? known.state : this.read();
  }
}

function toState(row: Row | undefined, configured: BoxApp): BoxAppState {
  const { client_id: clientId = null, enterprise_id: enterpriseId = null, since = null } = row ?? {};
  if (clientId === null || enterpriseId === null || since === null)
    return { bound: null, configured, differs: false };
  const differs = clientId !== configured.clientId || enterpriseId !== configured.enterpriseId;
  return { bound: { clientId, enterpriseId, since }, configured, differs };
}

/** A Box app in one phrase, for people. */
export const describeBoxApp = ({ clientId, enterpriseId }: BoxApp): string =>
  `${clientId} in enterprise ${enterpriseId}`;

/** What is wrong, and the command that fixes it, in one sentence; null when nothing is. */
export function boxAppProblem({ bound, configured, differs }: BoxAppState): string | null {
  if (!differs || bound === null) return null;
  return (
    `The accounts of this tenant belong to the Box app ${describeBoxApp(bound)}, but the configuration names ` +
    `${describeBoxApp(configured)}: provisioning has stopped. Restore the former BOX_ variables, or decide with: ` +
    'npm run foyer -- box-app'
  );
}
