/** Box's limit for a user's name, in UTF-16 units (Box API reference, create user: maxLength 50). */
export const BOX_NAME_MAX = 50;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The name a person gets in Box, 1 to 50 UTF-16 units: their name with white space folded; their user name, then their
 * subject, when that is empty; cut between characters and ended with an ellipsis when too long.
 */
export function boxDisplayName(person: { name: string; username: string; subject: string }): string {
  const names = [person.name, person.username, person.subject].map((name) =>
    name.replace(/\s+/g, ' ').trim(),
  );
  return shorten(names.find((name) => name !== '') ?? 'Unnamed');
}

function shorten(name: string): string {
  if (name.length <= BOX_NAME_MAX) return name;
  let kept = '';
  for (const { segment } of graphemes.segment(name)) {
    if (kept.length + segment.length > BOX_NAME_MAX - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}
