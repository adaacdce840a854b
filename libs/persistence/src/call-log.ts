import {
  LeaseLost,
  type CallContext,
  type CallIntent,
  type CallLog,
  type CallOutcome,
} from '@foyer/provisioning';
import type { Database } from './database.ts';
import { Prisma } from './generated/client.ts';

/** A transaction will do as well as the whole database. */
type Writer = { readonly prisma: Pick<Database['prisma'], '$queryRaw' | '$executeRaw'> };

/** The API audit log in PostgreSQL: a row when a call begins, another when it ends, neither ever changed. */
export class PrismaCallLog implements CallLog {
  private readonly database: Writer;
  private readonly tenantId: string;
  private readonly leaseMs: number;

  /** `leaseMs`: how far an intent extends its worker's lease. */
  constructor(database: Writer, tenantId: string, leaseMs: number) {
    this.database = database;
    this.tenantId = tenantId;
    this.leaseMs = leaseMs;
  }

  async intend(context: CallContext, intent: CallIntent): Promise<string> {
    const { lease } = context;
    const fence =
      lease === null
        ? Prisma.sql`fence AS (SELECT 1)`
        : Prisma.sql`fence AS (
            UPDATE identity SET lease_expires_at = clock_timestamp() + ${this.leaseMs} * interval '1 millisecond'
            WHERE id = ${lease.identityId}::uuid AND tenant_id = ${this.tenantId}::uuid
              AND lease_token = ${lease.token} AND lease_expires_at > clock_timestamp()
            RETURNING id)`;
    const [row] = await this.database.prisma.$queryRaw<{ id: bigint }[]>`
      WITH ${fence} ${this.insert(context, intent)} FROM fence RETURNING id`;
    if (!row) throw new LeaseLost(`Lease ${lease?.token} of identity ${lease?.identityId} has passed on.`);
    return row.id.toString();
  }

  async conclude(callId: string, outcome: CallOutcome): Promise<void> {
    await this.database.prisma.$executeRaw`
      INSERT INTO api_call_outcome (call_id, tenant_id, call_at, result, status, error, answer, duration_ms)
      SELECT id, tenant_id, at, ${this.outcome(outcome)} FROM api_call WHERE id = ${BigInt(callId)}`;
  }

  async record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void> {
    await this.database.prisma.$executeRaw`
      WITH call AS (${this.insert(context, intent)} RETURNING id, tenant_id, at)
      INSERT INTO api_call_outcome (call_id, tenant_id, call_at, result, status, error, answer, duration_ms)
      SELECT id, tenant_id, at, ${this.outcome(outcome)} FROM call`;
  }

  private insert(context: CallContext, intent: CallIntent): Prisma.Sql {
    return Prisma.sql`
      INSERT INTO api_call (tenant_id, direction, system, operation, method, path, request_id, identity_id, actor, parameters)
      SELECT ${this.tenantId}::uuid, ${intent.direction}, ${intent.system}, ${intent.operation}, ${intent.method},
        ${intent.path}, ${context.requestId}::uuid, ${context.identityId}::uuid, ${intent.actor},
        ${JSON.stringify(intent.parameters)}::jsonb`;
  }

  private outcome({ result, status, error, answer, durationMs }: CallOutcome): Prisma.Sql {
    return Prisma.sql`${result}, ${status}::smallint, ${error}, ${answer && JSON.stringify(answer)}::jsonb, ${durationMs}::float8`;
  }
}
