import type { BackendFactory, IQueueBackend } from 'bullmq';
import type { Reporter } from './report.ts';

/** BullMQ requires a connection option; ours is inside the factory. */
export type NoConnection = Record<string, never>;
export type QueueBackendFactory = BackendFactory<IQueueBackend, NoConnection>;

/** Where the jobs are stored, for one queue or one worker. */
export interface Broker {
  /** Prepares what must exist before the first command. May be repeated; rejects while the server is unavailable. */
  prepare(): Promise<void>;
  readonly factory: QueueBackendFactory;
  /** Writes something. Rejects when the server does not accept it, because a replica answers reads too. */
  proveWritable(): Promise<void>;
  /** Closes what the factory's backends do not own. Never rejects, and ends quickly. */
  close(): Promise<void>;
}

export interface BrokerNeeds {
  readonly role: 'producer' | 'consumer';
  /** The most PostgreSQL connections of the pool; a consumer has one more, for LISTEN. */
  readonly connections: number;
  readonly reporter: Reporter;
}
