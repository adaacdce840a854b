import {
  bool,
  defined,
  InputError,
  integer,
  listOf,
  object,
  oneOf,
  optional,
  string,
  stringOf,
} from '../input.ts';
import { DIALECTS, SCIM_DEFAULTS, type ScimSettings } from './settings.ts';

const MAX_LISTED = 20_000;

function baseUrl(value: unknown, field: string): string {
  const read = string(value, field);
  const url = URL.canParse(read) ? new URL(read) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new InputError(
      field,
      'must be an http(s) URL without a query, like https://foyer.example.com/scim/v2',
    );
  return read.replace(/\/+$/, '');
}

function token(value: unknown, field: string): string {
  const read = stringOf(8, 4096)(value, field);
  if (!/^[\x21-\x7e]+$/.test(read)) throw new InputError(field, 'must be printable ASCII without spaces');
  return read;
}

const settings = object({
  baseUrl: optional(baseUrl),
  token: optional(token),
  dialect: optional(oneOf(...DIALECTS)),
  blanks: optional(oneOf('percent', 'plus')),
  mappings: optional(oneOf('full', 'short')),
  createWithMembers: optional(bool),
  auto: optional(bool),
  pushGroups: optional(listOf(stringOf(1, 255), 1000)),
  retries: optional(integer(0, 10)),
  backOffMs: optional(integer(0, 600_000)),
  timeLimitMs: optional(integer(1, 600_000)),
});

/** The app's settings: the given ones override its current ones, or Okta's defaults. */
export function readScimSettings(body: unknown, known?: ScimSettings): ScimSettings {
  const given: Partial<ScimSettings> = defined(settings(body, ''));
  const url = given.baseUrl ?? known?.baseUrl;
  const bearer = given.token ?? known?.token;
  if (url === undefined) throw new InputError('baseUrl', 'is needed first');
  if (bearer === undefined) throw new InputError('token', 'is needed first');
  return { ...SCIM_DEFAULTS, ...known, ...given, baseUrl: url, token: bearer };
}

const reference = stringOf(1, 255);
const references = listOf(reference, MAX_LISTED);

export const readNothing = object({});
export const readImport = object({ confirm: optional(bool) });
export const readPersonReference = object({ person: reference });
/** `change` has the form of a PATCH of the person. */
export const readUpdate = object({ person: reference, change: optional((value) => value) });
export const readGroupReference = object({ group: reference });
export const readMembership = object({
  group: reference,
  add: optional(references),
  remove: optional(references),
});
export const readRename = object({ group: reference, name: reference });
export const readPushNow = object({ group: reference, as: optional(oneOf('members', 'whole')) });
export const readUnlink = object({ group: reference, deleteInTarget: optional(bool) });
export const readRetry = object({ tasks: optional(listOf(integer(1, 1_000_000_000), MAX_LISTED)) });
