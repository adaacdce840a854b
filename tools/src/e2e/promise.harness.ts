import type { Stack } from '../stack/stack.ts';
import type { BoxCall, BoxTwinUser } from '../stack/twins.ts';
import type { Outside } from './outside.harness.ts';

interface IdentityRow {
  subject: string;
  name: string;
  box_user_id: string | null;
  box_name: string | null;
}

/**
 * Checks what must hold however often processes were killed, with the Box twin and the database as independent
 * witnesses. Returns the broken promises, one sentence each. Call it when no work is left.
 */
export async function brokenPromises(stack: Stack, outside: Outside): Promise<string[]> {
  const users = (await stack.box.state()).users.filter(({ kind }) => kind === 'app');
  const identities = await outside.query<IdentityRow>(
    `SELECT i.subject, i.name, a.box_user_id, a.name AS box_name
     FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id`,
  );
  return [
    ...accountsOf(identities, users),
    ...(await openRequests(outside)),
    ...(await unsettledWrites(outside)),
    ...(await unannouncedWrites(await stack.box.calls(), outside)),
    ...outside.astonishing.map((answer) => `a caller got the response: ${answer}`),
  ];
}

function accountsOf(identities: readonly IdentityRow[], users: readonly BoxTwinUser[]): string[] {
  const broken: string[] = [];
  const bySubject = Map.groupBy(users, ({ externalId }) => externalId);
  for (const { subject, name, box_user_id: mapped } of identities) {
    const own = bySubject.get(subject) ?? [];
    if (own.length !== 1) broken.push(`${subject} has ${own.length} Box users`);
    else if (own[0]!.id !== mapped) broken.push(`${subject} is mapped to ${mapped}, but is ${own[0]!.id}`);
    else if (own[0]!.name !== name) broken.push(`${subject} is "${name}" in Foyer, "${own[0]!.name}" in Box`);
  }
  const known = new Set(identities.map(({ subject }) => subject));
  for (const { id, externalId } of users)
    if (externalId === null || !known.has(externalId)) broken.push(`Box user ${id} belongs to no person`);
  return broken;
}

async function openRequests(outside: Outside): Promise<string[]> {
  const rows = await outside.query<{ id: string; status: string; error_code: string | null }>(
    `SELECT id, status, error_code FROM provisioning_request WHERE status <> 'succeeded'`,
  );
  return rows.map(({ id, status, error_code: code }) => `request ${id} is ${status} (${code ?? 'no error'})`);
}

/**
 * A write without a clear result must be followed by a successful look-up, or by a successful write of the same kind.
 */
async function unsettledWrites(outside: Outside): Promise<string[]> {
  const rows = await outside.query<{ id: string; operation: string }>(
    `SELECT c.id, c.operation FROM api_call c LEFT JOIN api_call_outcome o ON o.call_id = c.id
     WHERE c.operation IN ('create_user', 'update_user') AND (o.result IS NULL OR o.result = 'ambiguous')
       AND NOT EXISTS (
         SELECT 1 FROM api_call f LEFT JOIN api_call_outcome g ON g.call_id = f.id
         WHERE f.identity_id = c.identity_id AND f.id > c.id AND g.result = 'ok'
           AND (f.operation IN ('find_user', 'read_user') OR f.operation = c.operation))`,
  );
  return rows.map(({ id, operation }) => `${operation} (call ${id}) was never settled`);
}

/** Box must not have received more creates of a person than intents were recorded. */
async function unannouncedWrites(calls: readonly BoxCall[], outside: Outside): Promise<string[]> {
  const rows = await outside.query<{ subject: string; announced: number }>(
    `SELECT i.subject, count(*)::int AS announced FROM api_call c JOIN identity i ON i.id = c.identity_id
     WHERE c.operation = 'create_user' GROUP BY i.subject`,
  );
  const announced = new Map(rows.map((row) => [row.subject, row.announced]));
  const seen = Map.groupBy(createsIn(calls), externalIdOf);
  return [...seen].flatMap(([subject, own]) =>
    own.length > (announced.get(subject) ?? 0)
      ? [`Box saw ${own.length} creates of ${subject}, ${announced.get(subject) ?? 0} are on record`]
      : [],
  );
}

/** The creates among a twin's calls. */
export const createsIn = (calls: readonly BoxCall[]): BoxCall[] =>
  calls.filter(({ method, path }) => method === 'POST' && path === '/2.0/users');

/** The external id in a create. */
export function externalIdOf({ body }: BoxCall): string {
  if (typeof body !== 'object' || body === null || !('external_app_user_id' in body)) return '';
  return String(body.external_app_user_id);
}
