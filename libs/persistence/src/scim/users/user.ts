import type { Document } from '@foyer/scim';
import type { OpenedRequest } from '../../requests/new-request.ts';

/** A person as a SCIM resource; `document` has the client's attributes, under their canonical names. */
export interface ScimUser {
  readonly id: string;
  readonly document: Document;
  readonly generation: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly groups: readonly { readonly value: string; readonly display: string }[];
  readonly boxUserId: string | null;
  readonly inStep: boolean;
  /** The newest request that brings Box in step; null when there was none. */
  readonly requestId: string | null;
  /** Whether a SCIM client manages the person; if not, only sign-ins, a machine or a file do. */
  readonly isManaged: boolean;
}

/** A person as they were read before a write. `stored` is the document as it is kept, `username` as SCIM shows it. */
export interface ReadUser extends Pick<ScimUser, 'isManaged'> {
  readonly user: ScimUser;
  readonly stored: Document;
  readonly username: string;
  readonly subject: string;
}

/** What a write did, and the requests to enqueue. */
export interface Written<T> {
  readonly resource: T;
  readonly requests: readonly OpenedRequest[];
}
