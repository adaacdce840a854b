import { BodyReader } from '../http/body-reader.ts';
import { userLanguages, userRoles, userStatuses, type UserProfile } from './user-store.ts';

/** The checked fields of a create or update; an absent key was not sent. */
export interface UserChanges {
  profile: Partial<UserProfile>;
  login?: string;
  externalId?: string;
  platformAccessOnly?: boolean;
  notificationEmail?: { email: string } | null;
  leaveEnterprise: boolean;
}

/** The space that Box reports for an unlimited account, which is requested as -1. */
const unlimitedSpace = 1_000_000_000_000_000;

/**
 * Checks a POST or PUT /users body against the published parameters (OpenAPI post_users, put_users_id). Unknown keys
 * are ignored; all errors are reported in one 400. `name` is required on create only.
 */
export function readUserChanges(body: Record<string, unknown>, mode: 'create' | 'update'): UserChanges {
  const from = new BodyReader(body);
  const name = from.text('name', 50);
  if (name?.trim() === '') from.problem('name', "'name' must not be empty");
  if (mode === 'create') from.require('name');

  const changes: UserChanges = { profile: readProfile(from), leaveEnterprise: false };
  if (name !== undefined) changes.profile.name = name;
  changes.login = from.email('login');
  changes.externalId = from.text('external_app_user_id', 255);
  if (changes.externalId === '') from.problem('external_app_user_id', 'It must not be empty');
  if (mode === 'create') {
    changes.platformAccessOnly = from.flag('is_platform_access_only');
    if (changes.platformAccessOnly !== true) from.require('login');
  } else {
    from.flag('notify');
    from.flag('is_password_reset_required');
    changes.leaveEnterprise = from.isNull('enterprise');
    changes.notificationEmail = from.notificationEmail();
  }
  from.finish();
  return changes;
}

function readProfile(from: BodyReader): Partial<UserProfile> {
  const space = from.integer('space_amount', -1);
  const profile: Partial<UserProfile> = {
    role: from.oneOf('role', userRoles),
    status: from.oneOf('status', userStatuses),
    language: from.oneOf('language', userLanguages),
    timezone: from.timezone('timezone'),
    job_title: from.text('job_title', 100),
    phone: from.text('phone', 100),
    address: from.text('address', 255),
    space_amount: space === -1 ? unlimitedSpace : space,
    tracking_codes: from.trackingCodes('tracking_codes'),
    can_see_managed_users: from.flag('can_see_managed_users'),
    is_sync_enabled: from.flag('is_sync_enabled'),
    is_external_collab_restricted: from.flag('is_external_collab_restricted'),
    is_exempt_from_device_limits: from.flag('is_exempt_from_device_limits'),
    is_exempt_from_login_verification: from.flag('is_exempt_from_login_verification'),
  };
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
}
