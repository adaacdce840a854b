import { boxDate } from '../http/dates.ts';
import type { BoxUser } from './user-store.ts';

/** How an unset `notification_email` is returned: left out, null, or `[]` as in some real responses. */
export const notificationEmailShapes = ['omitted', 'null', 'emptyArray'] as const;
export type NotificationEmailShape = (typeof notificationEmailShapes)[number];

interface ViewContext {
  enterpriseId: string;
  spaceUsed: number;
  notificationEmail: NotificationEmailShape;
}

/** The fields that Box returns without `fields` (fixture post_users_app_user_201.json of its SDK). */
const standardFields = [
  'type',
  'id',
  'name',
  'login',
  'created_at',
  'modified_at',
  'language',
  'timezone',
  'space_amount',
  'space_used',
  'max_upload_size',
  'status',
  'job_title',
  'phone',
  'address',
  'avatar_url',
  'notification_email',
];

export function userMini(user: BoxUser): object {
  return { type: 'user', id: user.id, name: user.profile.name, login: user.login };
}

/** A user as Box returns it: the standard fields, or with `fields` type, id and the requested fields. */
export function userView(user: BoxUser, fields: string | null, context: ViewContext): object {
  const full = fullUser(user, context);
  return pick(full, fields === null ? standardFields : ['type', 'id', ...splitFields(fields)]);
}

export function splitFields(fields: string): string[] {
  return fields
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '');
}

/** Keeps the named keys that have a value; like Box, ignores unknown names. */
export function pick(from: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of names)
    if (Object.hasOwn(from, name) && from[name] !== undefined) kept[name] = from[name];
  return kept;
}

function fullUser(user: BoxUser, context: ViewContext): Record<string, unknown> {
  return {
    type: 'user',
    id: user.id,
    ...user.profile,
    login: user.login,
    created_at: boxDate(user.createdAt),
    modified_at: boxDate(user.modifiedAt),
    space_used: context.spaceUsed,
    max_upload_size: 5_368_709_120,
    avatar_url: 'https://app.box.com/api/avatar/large/deprecated',
    notification_email: notificationEmail(user, context.notificationEmail),
    enterprise:
      user.kind === 'external'
        ? undefined
        : { type: 'enterprise', id: context.enterpriseId, name: 'Box Twin Enterprise' },
    my_tags: [],
    hostname: 'https://twin.app.box.com/',
    is_platform_access_only: user.kind === 'app' || user.kind === 'service',
    external_app_user_id: user.externalId ?? undefined,
  };
}

function notificationEmail(user: BoxUser, shape: NotificationEmailShape): unknown {
  if (user.notificationEmail) return user.notificationEmail;
  if (shape === 'omitted') return undefined;
  return shape === 'null' ? null : [];
}
