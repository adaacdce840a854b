/** An authenticated SCIM client. */
export interface ScimClient {
  /** For the audit log: `scim-token:NAME`, or the client id of an Okta access token. */
  readonly actor: string;
}

declare module 'express-serve-static-core' {
  interface Request {
    /** Set by ScimAuthenticator, so every handler below the SCIM paths has it. */
    scimClient?: ScimClient;
  }
}
