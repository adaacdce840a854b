import type { Attribute } from './attribute.ts';
import { fold } from './text.ts';

/**
 * Whether resources are found by the attribute: it is then stored, returned and searched without surrounding white
 * space.
 */
export const isKey = ({ form }: Pick<Attribute, 'form'>): boolean => form !== undefined;

/**
 * The form of a text that is compared: two values are equal if their forms are. The database has the same functions,
 * named by `sqlForm`; a test compares them character by character.
 */
export function compared({ form, caseExact }: Pick<Attribute, 'form' | 'caseExact'>, text: string): string {
  if (form === 'user-name') return userNameForm(text);
  if (form === 'group-name') return groupNameForm(text);
  return caseExact ? text : fold(text);
}

/** The database function that equals `compared`; null when the text itself is compared. */
export function sqlForm({ form, caseExact }: Pick<Attribute, 'form' | 'caseExact'>): string | null {
  if (form === 'user-name') return 'scim_user_name';
  if (form === 'group-name') return 'scim_group_name';
  return caseExact ? null : 'scim_fold';
}

/**
 * UsernameCaseMapped of PRECIS (RFC 8265, section 3.3.2), as RFC 7643, section 4.1.1, requires for user names: width,
 * case and normalization. The text is normalized before folding too, because a capital may be one character or two. No
 * text is refused here, and the spelling that was sent is stored.
 */
export const userNameForm = (text: string): string => fold(narrowed(text).normalize('NFC')).normalize('NFC');

/** Box collapses white space in a group's name, so names that differ only in white space are equal. */
export const groupNameForm = (text: string): string => fold(text.replace(/\s+/g, ' '));

/** First and last character, and what the first becomes: Unicode's decompositions of the types wide and narrow. */
const widths: readonly (readonly [number, number, number])[] = [
  [0x3000, 0x3000, 0x20],
  [0xff01, 0xff5e, 0x21],
  [0xff5f, 0xff60, 0x2985],
  [0xffa0, 0xffa0, 0x3164],
  [0xffa1, 0xffbe, 0x3131],
  [0xffc2, 0xffc7, 0x314f],
  [0xffca, 0xffcf, 0x3155],
  [0xffd2, 0xffd7, 0x315b],
  [0xffda, 0xffdc, 0x3161],
  [0xffe0, 0xffe1, 0xa2],
  [0xffe2, 0xffe2, 0xac],
  [0xffe3, 0xffe3, 0xaf],
  [0xffe4, 0xffe4, 0xa6],
  [0xffe5, 0xffe5, 0xa5],
  [0xffe6, 0xffe6, 0x20a9],
  [0xffe8, 0xffe8, 0x2502],
  [0xffe9, 0xffec, 0x2190],
  [0xffed, 0xffed, 0x25a0],
  [0xffee, 0xffee, 0x25cb],
];

const narrowed = (text: string): string => text.replaceAll(/[\u3000\uff01-\uffee]/g, narrow);

function narrow(character: string): string {
  const code = character.charCodeAt(0);
  // The signs of katakana are ordered differently; for them the compatibility form gives the same result.
  if (code >= 0xff61 && code <= 0xff9f) return character.normalize('NFKC');
  const range = widths.find(([first, last]) => code >= first && code <= last);
  return range === undefined ? character : String.fromCharCode(range[2] + code - range[0]);
}
