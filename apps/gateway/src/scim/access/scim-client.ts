/** A SCIM client that was let in. */
export interface ScimClient {
  /** For the audit log: `scim-token:NAME`, or the client id of an Okta access token. */
  readonly actor: string;
}

declare module 'express-serve-static-core' {
  interface Request {
    /** Set by ScimDoor: there for every handler below the SCIM paths. */
    scimClient?: ScimClient;
  }
}
