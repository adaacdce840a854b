/**
 * Maps a SCIM User (RFC 7643, section 4.1, with canonical names) to Foyer's person and Box's fields. The table is in
 * docs/configure-okta-scim.md.
 */

/** The prefix of the stand-in for a missing external id; clients may not give an external id with this prefix. */
export const STAND_IN = 'scim:';

type Json = Readonly<Record<string, unknown>>;

/**
 * A person within Box's lengths (API reference, create user); longer values are cut, not refused, so that the push
 * succeeds.
 */
export interface ScimPerson {
  readonly userName: string;
  /** Okta's user id; null when the client gave none. */
  readonly externalId: string | null;
  readonly name: string;
  readonly email: string | null;
  readonly active: boolean;
  readonly profile: {
    readonly language?: string;
    readonly timezone?: string;
    readonly jobTitle?: string;
    readonly phone?: string;
    readonly address?: string;
  };
}

const JOB_TITLE_MAX = 100;
const PHONE_MAX = 100;
const ADDRESS_MAX = 255;

export function toPerson(user: Json): ScimPerson {
  const userName = textOf(user['userName']) ?? '';
  const language = boxLanguage(textOf(user['preferredLanguage']) ?? textOf(user['locale']));
  const timezone = timeZoneOf(textOf(user['timezone']));
  const jobTitle = cut(textOf(user['title']), JOB_TITLE_MAX);
  const phone = cut(textOf(chosen(user['phoneNumbers'])?.['value'])?.replace(/^tel:/i, ''), PHONE_MAX);
  const address = cut(addressOf(chosen(user['addresses'])), ADDRESS_MAX);
  return {
    userName,
    externalId: textOf(user['externalId']) ?? null,
    name: nameOf(user) ?? userName,
    email: textOf(chosen(user['emails'])?.['value']) ?? null,
    active: user['active'] !== false,
    profile: {
      ...(language !== undefined && { language }),
      ...(timezone !== undefined && { timezone }),
      ...(jobTitle !== undefined && { jobTitle }),
      ...(phone !== undefined && { phone }),
      ...(address !== undefined && { address }),
    },
  };
}

/** `name.formatted` comes last, because clients that read before they write send an old one back with new parts. */
function nameOf(user: Json): string | undefined {
  const name = isObject(user['name']) ? user['name'] : {};
  const parts = [textOf(name['givenName']), textOf(name['familyName'])].filter((part) => part !== undefined);
  return textOf(user['displayName']) ?? textOf(parts.join(' ')) ?? textOf(name['formatted']);
}

/** The primary value of several, or the one for work, or the first. */
function chosen(values: unknown): Json | undefined {
  const all = Array.isArray(values) ? values.filter(isObject) : [];
  return all.find(({ primary }) => primary === true) ?? all.find(({ type }) => type === 'work') ?? all[0];
}

function addressOf(address: Json | undefined): string | undefined {
  if (address === undefined) return undefined;
  const town = [textOf(address['postalCode']), textOf(address['locality'])].filter(Boolean).join(' ');
  const lines = [address['streetAddress'], town, address['region'], address['country']];
  return lineOf(textOf(address['formatted'])) ?? lineOf(lines.map(textOf).filter(Boolean).join('\n'));
}

const lineOf = (text: string | undefined): string | undefined =>
  textOf(
    text
      ?.split(/[\r\n]+/)
      .map((line) => line.trim())
      .filter(Boolean)
      .join(', '),
  );

/** Box's own language codes ("Language codes" guide): plain languages, and variants with their own names. */
const plainLanguages = new Set('bn da de en es fi fr hi it ja ko nb nl pl pt ru sv tr zh'.split(' '));
const variants: ReadonlyMap<string, string> = new Map([
  ['en-gb', 'gb'],
  ['en-ca', 'e2'],
  ['en-au', 'e3'],
  ['fr-ca', 'f2'],
  ['no', 'nb'],
  ['nn', 'nb'],
  ['zh-tw', 'zt'],
  ['zh-hk', 'zt'],
  ['zh-mo', 'zt'],
  ['zh-hant', 'zt'],
]);

/**
 * From a language tag or an Accept-Language list (RFC 7643, 4.1.1); undefined when Box does not support the language.
 */
function boxLanguage(text: string | undefined): string | undefined {
  const tag = text?.split(/[,;]/)[0]?.trim().replaceAll('_', '-').toLowerCase();
  if (!tag) return undefined;
  const [language = '', second = ''] = tag.split('-');
  const variant = variants.get(`${language}-${second}`) ?? variants.get(language);
  if (variant !== undefined) return variant;
  // Spanish of any country except Spain is Box's Latin American Spanish.
  if (language === 'es' && /^([a-z]{2}|419)$/.test(second) && second !== 'es') return 's2';
  return plainLanguages.has(language) ? language : undefined;
}

/**
 * An IANA time zone in its canonical spelling; undefined for anything else, because Box would refuse the whole call.
 */
function timeZoneOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^[A-Za-z]+(\/[A-Za-z0-9_+-]+){1,2}$/.test(text)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

function cut(text: string | undefined, max: number): string | undefined {
  if (text === undefined || text.length <= max) return text;
  const kept = text.slice(0, max);
  // A surrogate pair is never split.
  return (/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept).trimEnd();
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' ? undefined : text;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
