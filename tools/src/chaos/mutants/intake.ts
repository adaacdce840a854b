import type { SourceMutant } from './mutant.ts';

const admission = 'libs/directory/src/admission.ts';
const intake = 'libs/persistence/src/identities/admission-statements.ts';
const requests = 'libs/persistence/src/requests/open-requests.ts';
const users = 'libs/persistence/src/scim/users/users.ts';
const writes = 'libs/persistence/src/scim/users/user-transaction.ts';
const change = 'libs/persistence/src/scim/users/user-change.ts';
const groups = 'libs/persistence/src/scim/groups/groups.ts';

/** Guards of sign-ins and pushes: what they change in the database, and that they open a request. */
export const intakeMutants: readonly SourceMutant[] = [
  {
    name: 'intake: a change of the name is no new generation',
    file: intake,
    from: 'generation = i.generation + $is_new_generation::int,',
    to: 'generation = i.generation + 0 * $is_new_generation::int,',
  },
  {
    name: 'intake: a sign-in changes a person whom the directory manages',
    file: admission,
    from: 'isManaged ? names : merged(names, given)',
    to: 'merged(names, given)',
  },
  {
    name: 'intake: a sign-in ignores that the person was changed since the read',
    file: intake,
    from: '      AND i.generation = $generation::int AND i.session_epoch = $session_epoch::int`;',
    to: '      AND ($generation::int, $session_epoch::int) IS NOT NULL`;',
  },
  {
    name: 'intake: a sign-in joins any open request, whatever its generation',
    file: requests,
    from: '      AND r.generation = ${row}.generation\n',
    to: '\n',
    unseen:
      'A turn brings Box to what is stored when it begins; who changes something later ends with a generation that is not applied.',
  },
  {
    name: 'intake: a new request is not due',
    file: requests,
    from: '      clock_timestamp()${graceMs === undefined',
    to: '      NULL::timestamptz${graceMs === undefined',
  },
  {
    name: 'scim: a change is no new generation',
    file: change,
    from: 'generation = i.generation + 1, updated_at',
    to: 'generation = i.generation + 0, updated_at',
  },
  {
    name: 'scim: a change ignores that the person was changed since the read',
    file: change,
    from: ' AND i.generation = $generation::int\n',
    to: '\n',
  },
  {
    name: 'scim: a deletion does not deactivate',
    file: writes,
    from: '::jsonb, active = false, is_removed = ',
    to: '::jsonb, is_removed = false AND ',
  },
  {
    name: 'scim: a person who returns is not reactivated',
    file: writes,
    from: 'active = $active::boolean, scim_deleted_at = NULL,',
    to: 'active = $active::boolean AND false, scim_deleted_at = NULL,',
  },
  {
    name: 'scim: a change opens no request',
    file: users,
    from: 'const written = await writes.written(user.id);\n      await onRecord(written.requests[0]!.requestId, user.id);',
    to: 'const written = { resource: user, requests: [] as OpenedRequest[] };\n      await onRecord(null, user.id);',
  },
  {
    name: 'scim: a deletion does not change the groups',
    file: writes,
    from: 'const left = await run<{ id: string }>({ tx }, leaveGroups, { id });',
    to: 'const left: { id: string }[] = [];',
  },
  {
    name: 'scim: a change of a group without the row lock',
    file: groups,
    from: '${one} FOR NO KEY UPDATE OF g`',
    to: '${one}`',
    unseen:
      'The rows of members are written one by one, and the group’s own row last: no two scripts change its name.',
  },
  {
    name: 'scim: a change of a group is no new generation',
    file: groups,
    from: 'generation = generation + $bump::int, version',
    to: 'generation = generation + 0 * $bump::int, version',
  },
];
