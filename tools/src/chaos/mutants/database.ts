import type { DatabaseMutant } from './mutant.ts';

/** Guards that migrations put into the database. */
export const databaseMutants: readonly DatabaseMutant[] = [
  {
    name: 'session: a deactivated person stays signed in',
    sql: 'DROP TRIGGER identity_ends_sessions ON identity',
  },
  {
    name: 'session: a person whose id changed stays signed in',
    sql: `DROP TRIGGER identity_ends_sessions ON identity;
      CREATE TRIGGER identity_ends_sessions BEFORE UPDATE OF active ON identity FOR EACH ROW
      WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION identity_ends_sessions()`,
  },
  {
    name: 'members: a member who gets a Box user later is not added',
    sql: 'DROP TRIGGER scim_member_arrived ON box_account',
  },
];
