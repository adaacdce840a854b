/**
 * The named rules by which an id leads to a person; see docs/decisions/0016-an-id-is-a-link-to-a-person.md. A new one also
 * needs a migration, for the CHECK of identity_link.
 */
export type LinkRule =
  /** The id itself names the person: at a first sign-in, a first push, or in a file. */
  | 'same_subject'
  /** A directory created a person with the user name of one whom it had deleted. */
  | 'pushed_user_name'
  /** A SCIM client gave the person this id. */
  | 'administered'
  /** An operator decided that the id is a person of its own. */
  | 'operator_release'
  /** An operator merged two identities. */
  | 'operator_merge'
  /** The person has no id of a directory: this one stands in for it. */
  | 'stand_in'
  /** The link existed before rules did. */
  | 'migrated';
