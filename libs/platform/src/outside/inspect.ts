import { FoyerError } from '@foyer/shared';
import { apiIssuerOf } from '../config.ts';
import {
  ApiMetadata,
  Issuer,
  SignInMetadata,
  type IssuerOptions,
  type IssuerState,
  type KnownIssuer,
} from './issuer.ts';

type Timing = Omit<IssuerOptions, 'variable' | 'issuer' | 'isDerived'>;

/** The issuer at which people sign in, OKTA_ISSUER_URI. */
export const signInIssuer = (issuer: string, timing: Timing = {}): Issuer<SignInMetadata> =>
  new Issuer(SignInMetadata, { ...timing, variable: 'OKTA_ISSUER_URI', issuer });

/** The issuer of access tokens, OKTA_API_ISSUER_URI, which is derived from `signIn` when it is not set. */
export const apiIssuer = (issuer: string, signIn: string, timing: Timing = {}): Issuer<ApiMetadata> =>
  new Issuer(ApiMetadata, {
    ...timing,
    variable: 'OKTA_API_ISSUER_URI',
    issuer,
    isDerived: issuer === apiIssuerOf(signIn),
  });

/** What an issuer answered when it was asked just now. */
export interface IssuerInspection {
  readonly state: IssuerState;
  /** A sentence saying what is wrong with the issuer; null when nothing needs to change. */
  readonly problem: string | null;
  /** A sentence saying that this machine's clock differs from the issuer's, and by how much; null when it does not. */
  readonly clockProblem: string | null;
  /** When the issuer may be asked again, in milliseconds; 0 when it gave no time. */
  readonly retryAfterMs: number;
}

/** Asks an issuer for its metadata now. Never throws: what is wrong is in the result. */
export async function inspectIssuer(issuer: KnownIssuer): Promise<IssuerInspection> {
  let retryAfterMs = 0;
  try {
    await issuer.ask();
  } catch (error) {
    if (error instanceof FoyerError) retryAfterMs = error.retryAfterMs ?? 0;
  }
  const { state, problem, clockProblem } = issuer;
  return { state, problem, clockProblem, retryAfterMs };
}
