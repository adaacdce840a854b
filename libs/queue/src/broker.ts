import type { BackendFactory, IQueueBackend } from 'bullmq';
import type { Reporter } from './report.ts';

/** BullMQ wants a connection option; ours is inside the factory. */
export type NoConnection = Record<string, never>;
export type QueueBackendFactory = BackendFactory<IQueueBackend, NoConnection>;

/** Where the jobs live, as one queue or one worker sees it. */
export interface Broker {
  /** Makes ready what must be there before the first command. May be repeated; rejects while the server is away. */
  prepare(): Promise<void>;
  readonly factory: QueueBackendFactory;
  /** Writes something. Rejects when the server does not take it: a replica answers to reading too. */
  proveWritable(): Promise<void>;
  /** Closes what the factory's backends do not own. Never rejects, never takes long. */
  close(): Promise<void>;
}

export interface BrokerNeeds {
  readonly role: 'producer' | 'consumer';
  /** The most PostgreSQL connections its pool may hold; a consumer has one more, to listen. */
  readonly connections: number;
  readonly reporter: Reporter;
}
