/** Box's limit for a user's name, in UTF-16 units (Box API reference, create user: maxLength 50). */
export const BOX_NAME_MAX = 50;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The longest name of a group, in UTF-16 units. Box documents no limit for groups; 255 is its limit for other names.
 */
const BOX_GROUP_NAME_MAX = 255;

/** The name of a group in Box: white space collapsed, cut between characters when too long. */
export const boxGroupName = (displayName: string): string =>
  shorten(displayName.replace(/\s+/g, ' ').trim(), BOX_GROUP_NAME_MAX);

/**
 * The name of a person in Box, 1 to 50 UTF-16 units: their name with white space collapsed, or their user name, or
 * their subject, whichever is not empty; cut between characters and ended with an ellipsis when too long.
 */
export function boxDisplayName(person: { name: string; username: string; subject: string }): string {
  const names = [person.name, person.username, person.subject].map((name) =>
    name.replace(/\s+/g, ' ').trim(),
  );
  return shorten(names.find((name) => name !== '') ?? 'Unnamed', BOX_NAME_MAX);
}

function shorten(name: string, max: number): string {
  if (name.length <= max) return name;
  let kept = '';
  for (const { segment } of graphemes.segment(name)) {
    if (kept.length + segment.length > max - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}
