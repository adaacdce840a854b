import { ScimError, type Document, type GroupEdit, type Member } from '@foyer/scim';

/**
 * The longest values by which people and groups are found, in UTF-16 units: they fit into a key of an index in any
 * script.
 */
const LONGEST_KEY = 255;

function checkLength(name: string, value: unknown): void {
  if (typeof value === 'string' && value.length > LONGEST_KEY)
    throw new ScimError(400, 'invalidValue', `${name}: must have at most ${LONGEST_KEY} characters.`);
}

/** Throws ScimError 400 `invalidValue`. */
export function checkKeys(document: Document): Document {
  checkLength('userName', document['userName']);
  checkLength('externalId', document['externalId']);
  return document;
}

/** Like `checkKeys`, for a group. */
export function checkGroupKeys(document: Document): Document {
  checkLength('displayName', document['displayName']);
  checkLength('externalId', document['externalId']);
  return document;
}

export function checkMembers(members: readonly Pick<Member, 'value'>[]): void {
  for (const { value } of members) checkLength('members.value', value);
}

export function checkEdits(edits: readonly GroupEdit[]): readonly GroupEdit[] {
  for (const edit of edits) if ('members' in edit) checkMembers(edit.members);
  return edits;
}
