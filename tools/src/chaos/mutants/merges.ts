import type { SourceMutant } from './mutant.ts';

const decision = 'libs/directory/src/merge.ts';
const statements = 'libs/persistence/src/identities/merge-statements.ts';

/** Guards of an operator's merge: what becomes of both Box users, of the links and of the sessions. */
export const mergeMutants: readonly SourceMutant[] = [
  {
    name: 'merge: the links of the other identity stay',
    file: statements,
    from: "SET identity_id = $staying::uuid, rule = 'operator_merge'",
    to: "SET identity_id = $other::uuid, rule = 'operator_merge'",
  },
  {
    name: 'merge: the sessions of the one that stays go on',
    file: statements,
    from: 'UPDATE identity SET session_epoch = session_epoch + 1,\n     active = active OR',
    to: 'UPDATE identity SET session_epoch = session_epoch + 0,\n     active = active OR',
  },
  {
    name: 'merge: nobody deactivates the Box user of the other identity',
    file: decision,
    from: 'isWork: other.account !== null }',
    to: 'isWork: false }',
  },
  {
    name: 'merge: a worker that has just taken the one that stays goes on',
    file: statements,
    from: 'lease_token = lease_token + $takes_over::int,\n     lease_expires_at = CASE WHEN $takes_over::int = 0 THEN lease_expires_at END,',
    to: 'lease_token = lease_token + 0 * $takes_over::int,\n     lease_expires_at = lease_expires_at,',
  },
  {
    name: 'merge: nobody brings the Box user that is taken over into step',
    file: decision,
    from: 'account: accounts.account, isWork: true }',
    to: 'account: accounts.account, isWork: false }',
    unseen:
      'The one that stays had no Box user, so its own request is still open, or an operator retries it, and sets the whole profile.',
  },
  {
    name: 'merge: a create without a known result is no conflict',
    file: decision,
    from: 'if (staying.mayHaveBoxUser || other.mayHaveBoxUser)',
    to: 'if (staying.mayHaveBoxUser && staying.mayHaveBoxUser !== true)',
  },
];
