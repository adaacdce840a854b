/** What Okta remembers of a user of the app. */
export interface UserLink {
  /** The user's SCIM id, Okta's `externalId` of the app user. */
  id: string;
  /** User name as last sent. */
  login: string;
  active: boolean;
}

export interface GroupLink {
  /** The group's SCIM id. */
  id: string;
  /** Name as last sent. */
  name: string;
  /** SCIM ids of the members as last sent. */
  members: ReadonlySet<string>;
}

/** What the app knows of its server: people by Okta user id, groups by Okta group id. */
export class Links {
  readonly users = new Map<string, UserLink>();
  readonly groups = new Map<string, GroupLink>();

  activeUser(personId: string): UserLink | undefined {
    const link = this.users.get(personId);
    return link?.active ? link : undefined;
  }
}
