import { decideAdmission, nameSources, type AdmissionDecision, type Names } from '@foyer/directory';
import type { BatchChunk } from '@foyer/provisioning';
import type { Person } from '@foyer/shared';
import type pg from 'pg';
import { run } from '../database/statement.ts';
import { readPushes, toState, type AdmissionRow } from '../identities/admission-statements.ts';
import * as sql from './chunk-sql.ts';

type Entry = BatchChunk['people'][number];
/** A person of the chunk, and what was decided about them; `id` is null for a new one. */
interface Decided extends Entry {
  readonly id: string | null;
  readonly decision: AdmissionDecision;
}

/** Somebody else added one of the people at the same moment: the transaction is repeated, and finds them. */
class PersonAdded extends Error {
  override readonly name = 'PersonAdded';
  readonly code = '40001';
}

/**
 * Stores the people of a chunk, with the decision of the intake for each, and the lines of those who are not in step.
 * Part of a transaction.
 */
export async function storePeople(
  client: pg.ClientBase,
  { tenantId, batchId }: { readonly tenantId: string; readonly batchId: string },
  people: readonly Entry[],
): Promise<void> {
  const decided = await decide(client, tenantId, people);
  const ids = await addPeople(client, tenantId, decided);
  const idOf = ({ id, person }: Decided): string => id ?? ids.get(keyOf(person))!;
  await changePeople(client, tenantId, decided);
  const behind = decided.filter(({ decision }) => needsRequest(decision));
  if (behind.length > 0)
    await run({ client }, sql.requestPeople, { tenant: tenantId, ids: behind.map(idOf) });
  const listed = decided.filter(({ decision }) => needsRequest(decision) || decision.kind === 'deactivated');
  if (listed.length === 0) return;
  await run({ client }, sql.addLines, {
    ...{ tenant: tenantId, batch: batchId, ids: listed.map(idOf) },
    lines: listed.map(({ line }) => line),
    subjects: listed.map(({ person }) => person.subject),
    codes: listed.map(({ decision }) => (decision.kind === 'deactivated' ? 'identity_deactivated' : null)),
  });
}

/** Decides about all of them, and keeps what is stored about them as it is until the transaction ends. */
async function decide(
  client: pg.ClientBase,
  tenantId: string,
  people: readonly Entry[],
): Promise<readonly Decided[]> {
  const keys = {
    issuers: people.map(({ person }) => person.issuer),
    subjects: people.map(({ person }) => person.subject),
  };
  await run({ client }, sql.holdPeople, { tenant: tenantId, ...keys });
  const rows = await run<AdmissionRow>({ client }, readPushes, {
    ...{ tenant: tenantId, ...keys },
    usernames: people.map(({ person }) => person.username),
  });
  return people.map((entry, at) => {
    const { person } = entry;
    const command = { kind: 'push', person, sources: nameSources(person, 'batch', false) } as const;
    return { ...entry, id: rows[at]!.id, decision: decideAdmission(toState(rows[at]!), command) };
  });
}

/** The ids of the new people, by their key. */
async function addPeople(
  client: pg.ClientBase,
  tenantId: string,
  decided: readonly Decided[],
): Promise<ReadonlyMap<string, string>> {
  const added = decided.flatMap(({ person, decision }) =>
    decision.kind === 'add' ? [{ person, names: decision.names }] : [],
  );
  if (added.length === 0) return new Map();
  const made = await run<{ id: string; issuer: string; subject: string }>({ client }, sql.addPeople, {
    tenant: tenantId,
    issuers: added.map(({ person }) => person.issuer),
    subjects: added.map(({ person }) => person.subject),
    ...columnsOf(added.map(({ names }) => names)),
  });
  if (made.length < added.length) throw new PersonAdded();
  return new Map(made.map((row) => [keyOf(row), row.id]));
}

async function changePeople(
  client: pg.ClientBase,
  tenantId: string,
  decided: readonly Decided[],
): Promise<void> {
  const changed = decided.flatMap(({ id, decision }) =>
    decision.kind === 'change' ? [{ id, ...decision }] : [],
  );
  if (changed.length === 0) return;
  await run({ client }, sql.changePeople, {
    ...{ tenant: tenantId, ids: changed.map(({ id }) => id) },
    bumps: changed.map(({ isNewGeneration }) => (isNewGeneration ? 1 : 0)),
    ...columnsOf(changed.map(({ names }) => names)),
  });
}

const needsRequest = (decision: AdmissionDecision): boolean =>
  decision.kind === 'add' ||
  decision.kind === 'follow' ||
  (decision.kind === 'change' && decision.needsRequest);

const keyOf = ({ issuer, subject }: Pick<Person, 'issuer' | 'subject'>): string => `${issuer} ${subject}`;

const columnsOf = (all: readonly Names[]): Record<sql.NamesValue, (string | null)[]> => ({
  usernames: all.map(({ username }) => username),
  emails: all.map(({ email }) => email),
  names: all.map(({ name }) => name),
  username_sources: all.map(({ sources }) => sources.username),
  email_sources: all.map(({ sources }) => sources.email),
});
