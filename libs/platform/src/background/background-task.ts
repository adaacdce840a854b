/** How one task is doing. Times in milliseconds. */
export interface TaskState {
  /** How long its rounds have failed; 0 while they succeed. */
  readonly failingMs: number;
  /** How long its current round has run; 0 between two rounds. */
  readonly roundMs: number;
  /** The error of the last round, in words that may be shown to any client; null when that round succeeded. */
  readonly lastError: string | null;
}

/** Work that a process does by itself, by the clock, until it is stopped. */
export interface BackgroundTask {
  /** Unique in its process; operators read it in logs, metrics and /readyz. */
  readonly name: string;
  /** Does nothing when the task was started or stopped before. */
  start(): Promise<void>;
  /** Begins no further round, and resolves when the current one has ended. */
  stop(): Promise<void>;
  state(): TaskState;
}
