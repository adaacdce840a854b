import { type AppName } from './apps.ts';
import { type StackProblem } from './problem.ts';
import { type LogSink } from './process.ts';

export interface StackOptions {
  /** Which apps to start; all by default. The database and its migrations always. */
  parts?: readonly AppName[];
  /** Free ports by default. A number is the gateway's; provisioners follow from the next one, the Okta twin is 1400 above, the Box twin 1500. */
  ports?: 'free' | number;
  /** Kept between runs; absent: everything is thrown away at the end. */
  dataDir?: string;
  /** An existing PostgreSQL server, by a user who may create databases: the stack makes one of its own there. */
  postgresUrl?: string;
  /** A database on that server which has all migrations and is copied. */
  template?: string;
  /** true: a Redis server of its own; a URL: an existing one; absent: the queue is in PostgreSQL. */
  redis?: boolean | string;
  /** How many provisioners; 1 by default. */
  provisioners?: number;
  /** Variables over the stack's own, by app. */
  env?: Partial<Record<AppName, Record<string, string>>>;
  /** How long a part that was asked to end is given before it is killed; 15 s by default. */
  stopWithinMs?: number;
  /** Every line that any part prints. */
  log?: LogSink;
  /** What is being done now, a line each. */
  onProgress?: (line: string) => void;
  /** A part ended by itself after the stack was up. */
  onDeath?: (problem: StackProblem) => void;
}
