/**
 * Whether a response's status means a fault of Foyer. 501 does not: it only reports a feature that is not supported.
 */
export const isFault = (status: number): boolean => status >= 500 && status !== 501;
