import 'express-session';

declare module 'express-session' {
  /** What a signed-in browser's session holds. Visitors who are not signed in have no session in the database. */
  interface SessionData {
    identityId?: string;
    /** The session epoch that the identity had at the sign-in: the session is valid only while both are equal. */
    epoch?: number;
    /** The name to display. */
    name?: string;
    /** Milliseconds since 1970; the absolute time-out counts from here. */
    signedInAt?: number;
    /** As Okta sent it: Okta's logout asks for it. */
    idToken?: string;
    /** The request of this sign-in, or of a later retry; null when Box needed no change. */
    requestId?: string | null;
  }
}

/** What a sign-in stores in a session. */
export interface NewSession {
  readonly identityId: string;
  readonly epoch: number;
  readonly name: string;
  readonly idToken: string;
  readonly requestId: string | null;
}
