import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';

export type AppName = 'gateway' | 'provisioner';

/** One running process of a tenant. */
export interface RunningProcess {
  readonly id: string;
  readonly app: AppName;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** Since its last heartbeat, by the database's clock. */
  readonly secondsSinceSeen: number;
  /** The process's clock minus the database's. */
  readonly clockOffsetMs: number;
}

/** A process without a heartbeat for this long has crashed, or cannot reach the database. */
const GONE_AFTER = "interval '1 minute'";

/** The offset is measured at the server, so it is too low by the network delay: some milliseconds. */
const beat = statement<'id' | 'tenant' | 'app' | 'host' | 'pid' | 'clock'>(
  'process-beat',
  `WITH gone AS (
     DELETE FROM process WHERE tenant_id = $tenant::uuid AND seen_at < clock_timestamp() - ${GONE_AFTER} AND id <> $id::uuid
   )
   INSERT INTO process (id, tenant_id, app, host, pid, clock_offset_ms)
   VALUES ($id::uuid, $tenant::uuid, $app, $host, $pid::int,
     extract(epoch FROM to_timestamp($clock::float8 / 1000) - clock_timestamp()) * 1000)
   ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), clock_offset_ms = EXCLUDED.clock_offset_ms`,
);
const leave = statement<'id' | 'tenant'>(
  'process-leave',
  'DELETE FROM process WHERE id = $id::uuid AND tenant_id = $tenant::uuid',
);
const list = statement<'tenant'>(
  'process-list',
  `SELECT id, app, host, pid, started_at AS "startedAt", clock_offset_ms AS "clockOffsetMs",
     extract(epoch FROM clock_timestamp() - seen_at)::float8 AS "secondsSinceSeen"
   FROM process WHERE tenant_id = $tenant::uuid AND seen_at >= clock_timestamp() - ${GONE_AFTER}
   ORDER BY app, started_at, id`,
);

/** This process's own heartbeat, read by `foyer status` and `foyer doctor`. */
export class ProcessHeartbeat {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly app: AppName;
  private readonly id = randomUUID();

  constructor(database: Database, tenantId: string, app: AppName) {
    this.database = database;
    this.tenantId = tenantId;
    this.app = app;
  }

  /** Records that the process runs. `clock`: its own time, in milliseconds since 1970. */
  async beat(clock: number = Date.now()): Promise<void> {
    const { id, tenantId: tenant, app } = this;
    await run(this.database, beat, { id, tenant, app, host: hostname(), pid: process.pid, clock });
  }

  /** Records that it stopped. */
  async leave(): Promise<void> {
    await run(this.database, leave, { id: this.id, tenant: this.tenantId });
  }
}

/** The tenant's processes with a heartbeat in the last minute. */
export const runningProcesses = (database: Database, tenantId: string): Promise<RunningProcess[]> =>
  run<RunningProcess, 'tenant'>(database, list, { tenant: tenantId });
