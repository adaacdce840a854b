import type { PostgresVerifyStore, ReportedException } from '@foyer/persistence';
import { exceptionKinds, type Certificate, type ExceptionKind, type VerifyRun } from '@foyer/provisioning';
import { shown, type Terminal } from './terminal.ts';

export interface Reported {
  readonly tenant: string;
  readonly run: VerifyRun;
  readonly certificate: Certificate;
}

/** The most discrepancies of each kind shown on a terminal; --json has all of them. */
const SHOWN = 20;
const PAGE = 1000;

interface Words {
  readonly plural: string;
  readonly remedy: string;
}

const words: Readonly<Record<ExceptionKind, Words>> = {
  duplicate: {
    plural: 'duplicates',
    remedy:
      'Keep the mapped Box user. Move the files of the other user to it, then deactivate or delete the other user in Box.',
  },
  orphan: {
    plural: 'orphans',
    remedy:
      'Find out who created it. If the person signs in, Foyer maps them to it by their external id. If nobody does, deactivate it in Box: verify then counts it as settled.',
  },
  unmapped: {
    plural: 'unmapped',
    remedy:
      'Run verify --repair: a worker finds the Box user and adopts it. If another Box user is mapped, see "missing".',
  },
  missing: {
    plural: 'missing',
    remedy:
      'Foyer cannot restore a deleted Box user or its files. Decide with the person, then create a new, empty Box user with box-app recreate IDENTITY. If no Box user is named here, run verify --repair, which creates the missing request.',
  },
  unverified: {
    plural: 'unverified writes',
    remedy: 'Run verify --repair: a worker reads the state from Box, which settles the write.',
  },
  drifted: {
    plural: 'drifted',
    remedy:
      'The Box user was changed by hand. Run verify --repair, which writes name, profile and status again. The next push or sign-in of the person does the same.',
  },
  mismatched: {
    plural: 'mismatched',
    remedy:
      'Do not use this account before it is clear whose account it is. Compare both people, then correct the external id in Box.',
  },
  unlinked: {
    plural: 'unlinked',
    remedy:
      'The database was changed by hand, or restored in part. Restore it whole, or insert the missing row of identity_link.',
  },
  group: {
    plural: 'groups that differ',
    remedy:
      'The group was changed by hand. Run verify --repair, which creates or renames it and sets its members as Okta pushed them. The next push of the group does the same.',
  },
};

const docsOf = (kind: ExceptionKind): string => `docs/operate.md#${kind}`;

/** Prints the report and returns the exit status: 0 when there is no discrepancy, 1 when a person has to act. */
export async function report(
  reported: Reported,
  store: PostgresVerifyStore,
  terminal: Terminal,
): Promise<number> {
  const { certificate, run, tenant } = reported;
  const found = await countsOf(run.id, store);
  const figure = (count: number, what: string) =>
    terminal.print(`${count.toLocaleString('en')}`.padStart(11) + ` ${what}`);
  terminal.print(`Tenant ${tenant}, read since ${run.startedAt.toISOString()}\n`);
  figure(certificate.identities, 'identities');
  figure(certificate.boxUsers, 'Box users');
  figure(certificate.groups, 'groups');
  for (const kind of exceptionKinds) figure(found.of(kind), words[kind].plural);
  terminal.print('');
  for (const line of remarksOn(certificate)) terminal.print(`  ${line}`);
  const former = await store.former(run.id);
  const since =
    former &&
    ` (${former.finishedAt.toISOString()}: ${former.digest === certificate.digest ? 'the same' : former.digest})`;
  terminal.print(`  ${certificate.mapped} mappings, digest sha256 ${certificate.digest}${since ?? ''}`);
  for (const kind of exceptionKinds) if (found.of(kind) > 0) await show(kind, found, run.id, store, terminal);
  terminal.print(
    found.total === 0
      ? '\nEverything matches: one Box user for each mapped identity, and no others.'
      : `\n${found.total} ${found.total === 1 ? 'exception needs' : 'exceptions need'} an operator, or verify --repair.`,
  );
  return found.total === 0 ? 0 : 1;
}

function remarksOn(certificate: Certificate): string[] {
  const { inProgress, tooNew, passed, settled, settledOrphans, notProvisioned } = certificate;
  const reasons = Object.entries(notProvisioned).map(([why, count]) => `${count} ${why}`);
  return [
    inProgress > 0 ? `${inProgress} in progress: they have an open request` : '',
    tooNew > 0 ? `${tooNew} mapped during the run: the next run checks them` : '',
    reasons.length > 0 ? `never provisioned: ${reasons.join(', ')} (dead list explains failures)` : '',
    settledOrphans > 0
      ? `${settledOrphans} Box users without an identity are deactivated, and count as settled`
      : '',
    passed > 0 ? `${passed} that differed at first match now: they changed during the run` : '',
    settled > 0 ? `${settled} writes with an unknown result were settled by this run` : '',
  ].filter((line) => line !== '');
}

type Found = Awaited<ReturnType<typeof countsOf>>;

async function countsOf(runId: string, store: PostgresVerifyStore) {
  const rows = await store.exceptionCounts(runId);
  const rowOf = (kind: ExceptionKind) => rows.find((row) => row.kind === kind);
  return {
    of: (kind: ExceptionKind) => rowOf(kind)?.count ?? 0,
    unconfirmed: (kind: ExceptionKind) => rowOf(kind)?.unconfirmed ?? 0,
    total: rows.reduce((sum, { count }) => sum + count, 0),
  };
}

async function show(
  kind: ExceptionKind,
  found: Found,
  runId: string,
  store: PostgresVerifyStore,
  terminal: Terminal,
) {
  terminal.print(`\n${words[kind].plural}, ${docsOf(kind)}\n  ${words[kind].remedy}`);
  for (const exception of await store.exceptions(runId, kind, { after: null, limit: SHOWN }))
    terminal.print(`  - ${nameOf(exception)}: ${exception.detail}`);
  const more = found.of(kind) - SHOWN;
  if (more > 0) terminal.print(`  … and ${more} more: --json lists all of them`);
  const unconfirmed = found.unconfirmed(kind);
  if (unconfirmed > 0) terminal.print(`  ${unconfirmed} of them were not rechecked`);
}

function nameOf({
  username,
  identityId,
  boxUserId,
  externalId,
  requestId,
  callId,
  groupId,
  groupName,
}: ReportedException): string {
  return [
    groupId === null ? '' : `group "${shown(groupName ?? '')}" (${groupId})`,
    username === null ? '' : `${username} (identity ${identityId})`,
    boxUserId === null ? '' : `Box user ${boxUserId}`,
    externalId === null ? '' : `external id ${externalId}`,
    requestId === null ? '' : `request ${requestId}`,
    callId === null ? '' : `call ${callId}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Like `report`, as one JSON document, written in pieces because there may be a million discrepancies. */
export async function reportJson(
  { certificate, run, tenant }: Reported,
  store: PostgresVerifyStore,
  terminal: Terminal,
): Promise<number> {
  const found = await countsOf(run.id, store);
  const { digest, notProvisioned, inProgress, tooNew, passed, settled, settledOrphans, ...counts } =
    certificate;
  const exceptions = Object.fromEntries(exceptionKinds.map((kind) => [kind, found.of(kind)]));
  const head = {
    tenant,
    run: run.id,
    readSince: run.startedAt.toISOString(),
    fits: found.total === 0,
    counts: { ...counts, ...exceptions },
    ...{ inProgress, tooNew, passed, settled, settledOrphans, notProvisioned, digest },
    former: await store.former(run.id),
  };
  terminal.print(`${JSON.stringify(head, null, 2).slice(0, -2)},\n  "exceptions": [`);
  let separator = '';
  for (const kind of exceptionKinds) {
    for (let after: string | null = null; ;) {
      const page: ReportedException[] = await store.exceptions(run.id, kind, { after, limit: PAGE });
      for (const { id: _id, ...exception } of page) {
        terminal.print(
          `${separator}    ${JSON.stringify({ ...exception, remedy: words[kind].remedy, docs: docsOf(kind) })}`,
        );
        separator = ',';
      }
      await terminal.drained();
      after = page.at(-1)?.id ?? null;
      if (page.length < PAGE) break;
    }
  }
  terminal.print('  ]\n}');
  return found.total === 0 ? 0 : 1;
}
