import type { StandingScimToken } from './tokens.ts';

const DAY_SECONDS = 86_400;
/** How long before its expiry a token is reported: time to create another one and to enter it in Okta. */
const WARN_SECONDS = 14 * DAY_SECONDS;

/** The tokens to replace: those that expire soon, or have expired without a newer active token. */
export const expiringScimTokens = (tokens: readonly StandingScimToken[]): StandingScimToken[] =>
  tokens.filter(({ secondsLeft, hasSuccessor }) =>
    secondsLeft > 0 ? secondsLeft <= WARN_SECONDS : !hasSuccessor,
  );

/** What is wrong with the tokens, and what to do, in one sentence; null when nothing is. */
export function scimTokenProblem(tokens: readonly StandingScimToken[]): string | null {
  const [first, ...others] = expiringScimTokens(tokens);
  if (first === undefined) return null;
  const ends = `${first.secondsLeft > 0 ? 'expires' : 'expired'} at ${first.expiresAt.toISOString()}`;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return `The SCIM token ${first.name} …${first.hint} ${ends}${more}: create another one with npm run foyer -- scim-token create`;
}
