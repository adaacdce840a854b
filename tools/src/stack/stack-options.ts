import { type AppName } from './apps.ts';
import { type StackProblem } from '../problem.ts';
import { type LogSink } from './process.ts';

export interface StackOptions {
  /** The apps to start; all by default. The database and its migrations are always set up. */
  parts?: readonly AppName[];
  /**
   * Free ports by default. A number is the gateway's; provisioners follow from the next one, the Okta twin is 1400
   * above, the Box twin 1500.
   */
  ports?: 'free' | number;
  /** Kept between runs; when absent, everything is deleted at the end. */
  dataDir?: string;
  /** An existing PostgreSQL server, with a user who may create databases: the stack creates its own there. */
  postgresUrl?: string;
  /** A database on that server which has all migrations and is copied. */
  template?: string;
  /** true: a Redis server of its own; a URL: an existing one; absent: the queue is in PostgreSQL. */
  redis?: boolean | string;
  /** The number of provisioners; 1 by default. */
  provisioners?: number;
  /** Variables that override the stack's own, by app. */
  env?: Partial<Record<AppName, Record<string, string>>>;
  /** How long an app may take to end before it is killed; 15 s by default. */
  stopWithinMs?: number;
  /** Called with every line that any process prints. */
  log?: LogSink;
  /** Called with each step, in one line. */
  onProgress?: (line: string) => void;
  /** Called when a process ended unasked after the stack was up. */
  onDeath?: (problem: StackProblem) => void;
}
