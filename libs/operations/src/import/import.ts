import { createHash } from 'node:crypto';
import { BatchIntake, Batches, PrismaCallLog } from '@foyer/persistence';
import { receiveBatch } from '@foyer/provisioning';
import { readRoster, untilAborted } from '@foyer/roster';
import type { BatchFormat, ProvisioningBatch } from '@foyer/shared';
import { commandIntent, commandOutcome } from '../on-record.ts';
import type { TenantSources } from '../sources.ts';

/** A file of people, which is read once. `issuer`: the directory of the people. */
export interface PeopleFile {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly format: BatchFormat;
  readonly issuer: string;
}

/** No person of the file can be used. `field` and `why` together are a sentence without its full stop. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly field: string;
  readonly why: string;
}

export interface ImportOptions {
  /** The operator's name for the audit log. */
  readonly operator: string;
  /** Ends the reading; the lines that were accepted stay, and are processed. */
  readonly stopping: AbortSignal;
  /** Receives the number of lines that were accepted so far. */
  readonly onAccepted: (lines: number) => void;
}

/** `batch.stopped` says where reading ended, when it was not at the end of the file. */
export type Imported = Unusable | { readonly kind: 'received'; readonly batch: ProvisioningBatch };

/**
 * Stores the people of a file as a batch, which the provisioners then process. The call is on record, with `operator`,
 * before the first person is stored.
 */
export async function importPeople(
  { database, tenantId }: TenantSources,
  { chunks, format, issuer }: PeopleFile,
  { operator, stopping, onAccepted }: ImportOptions,
): Promise<Imported> {
  const digest = createHash('sha256');
  let openCall = '';
  const reception = await receiveBatch(
    readRoster(hashed(untilAborted(chunks, stopping), digest), { format, issuer }),
    new BatchIntake(database, tenantId),
    {
      ...{ actor: operator, format, key: null },
      call: (batchId) => ({
        ...commandIntent('create_provisioning_batch', 'import', operator),
        parameters: { batchId, format },
      }),
    },
    {
      bodyHash: () => digest.digest('hex'),
      onTaken: onAccepted,
      onBegun: ({ callId }) => (openCall = callId),
    },
  );
  if (reception.kind === 'unusable') return reception;
  const batch =
    reception.kind === 'received' ? await new Batches(database, tenantId).progress(reception.batchId) : null;
  if (batch === null) throw new Error('The batch that was just created does not exist.');
  const { lines, refused } = batch.counts;
  const answer = { lines, refused, ...(batch.stopped && { stopped: batch.stopped }) };
  await new PrismaCallLog(database, tenantId, 0).conclude(openCall, { ...commandOutcome, answer });
  return { kind: 'received', batch };
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  digest: { update(chunk: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}
