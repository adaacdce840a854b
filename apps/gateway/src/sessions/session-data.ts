import 'express-session';

declare module 'express-session' {
  /** What a signed-in browser's session holds. Nobody else has a session in the database. */
  interface SessionData {
    identityId?: string;
    /** The session epoch that the identity had at the sign-in: the session is good only while it is still the same. */
    epoch?: number;
    /** The name shown. */
    name?: string;
    /** Milliseconds since 1970: where the absolute time-out counts from. */
    signedInAt?: number;
    /** As Okta sent it: signing out at Okta asks for it back. */
    idToken?: string;
    /** The request that this sign-in, or a retry since, led to; null when everything was in step. */
    requestId?: string | null;
  }
}

/** What a sign-in puts into a session. */
export interface NewSession {
  readonly identityId: string;
  readonly epoch: number;
  readonly name: string;
  readonly idToken: string;
  readonly requestId: string | null;
}
