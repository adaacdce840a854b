import type { DatabaseMutant } from './mutant.ts';

/** Guards that migrations put into the database. */
export const databaseMutants: readonly DatabaseMutant[] = [
  {
    name: 'session: a deactivated person stays signed in',
    sql: 'DROP TRIGGER identity_ends_sessions ON identity',
  },
  {
    name: 'members: a member who gets a Box user later is not added',
    sql: 'DROP TRIGGER scim_member_arrived ON box_account',
  },
];
