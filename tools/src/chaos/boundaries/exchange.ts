/** One HTTP request to Box, as it leaves the process. */
export interface Exchange {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly body: string;
}
