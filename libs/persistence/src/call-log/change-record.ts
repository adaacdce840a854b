import type { ChangeAbout, RecordedChange } from '@foyer/provisioning';
import { FoyerError } from '@foyer/shared';
import type { ClientBase } from 'pg';
import { PrismaCallLog } from './call-log.ts';
import type { Database } from '../database/database.ts';
import type { Runner } from '../database/statement.ts';
import { inTransaction, transaction, type RetryOptions, type Transaction } from '../database/transaction.ts';

/** Records the change as affecting this request and identity. Not called when nothing was changed. */
export type OnRecord = (
  requestId: string | null,
  identityId: string | null,
  answer?: ChangeAbout['answer'],
) => Promise<void>;

export type Changing<T> = (tx: Transaction, onRecord: OnRecord) => Promise<T>;

/**
 * A transaction that changes desired state, together with the record of its call: if the record fails, nothing is
 * changed. Without `change` nothing is recorded, because the caller has recorded it already.
 */
export async function changing<T>(
  database: Pick<Database, 'prisma'>,
  tenantId: string,
  change: RecordedChange | undefined,
  work: Changing<T>,
  retry: RetryOptions = {},
): Promise<T> {
  const record = new ChangeRecord(tenantId, change);
  const done = await transaction(database, (tx) => work(tx, record.in({ tx })), retry);
  record.committed();
  return done;
}

/** As `changing`, without Prisma. */
export async function changingOn<T>(
  { pool }: Pick<Database, 'pool'>,
  tenantId: string,
  change: RecordedChange | undefined,
  work: (client: ClientBase, onRecord: OnRecord) => Promise<T>,
): Promise<T> {
  const record = new ChangeRecord(tenantId, change);
  const done = await inTransaction(pool, 'read-committed', (client) => work(client, record.in({ client })));
  record.committed();
  return done;
}

class ChangeRecord {
  private readonly tenantId: string;
  private readonly change: RecordedChange | undefined;
  private isWritten = false;

  constructor(tenantId: string, change: RecordedChange | undefined) {
    this.tenantId = tenantId;
    this.change = change;
  }

  /** For one try of the transaction: what an earlier try wrote was rolled back. */
  in(runner: Runner): OnRecord {
    this.isWritten = false;
    return async (requestId, identityId, answer) => {
      if (this.change === undefined) return;
      const outcome = this.change.outcome();
      try {
        await new PrismaCallLog(runner, this.tenantId, 0).record(
          { requestId, identityId, lease: null },
          this.change.intent(),
          answer === undefined ? outcome : { ...outcome, answer },
        );
      } catch (cause) {
        throw new FoyerError('unavailable', 'The call could not be recorded.', { cause });
      }
      this.isWritten = true;
    };
  }

  committed(): void {
    if (this.isWritten) this.change?.committed();
  }
}
