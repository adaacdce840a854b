/** What is known of a person's Box user, as far as the desired state is concerned. */
export interface AppliedState {
  /** The generation of the identity that was last applied to the Box user. */
  readonly appliedGeneration: number;
  /** Box said that the user does not exist. */
  readonly isMissing: boolean;
}

/** Whether Box has what the identity says. `applied`: null when no Box user is mapped. */
export const isInStep = (generation: number, applied: AppliedState | null): boolean =>
  applied !== null && !applied.isMissing && applied.appliedGeneration === generation;
