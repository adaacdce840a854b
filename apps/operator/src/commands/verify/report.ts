import { meaningOf, type VerifiedRun } from '@foyer/operations';
import type { ReportedDiscrepancy } from '@foyer/persistence';
import { discrepancyKinds, type Certificate, type DiscrepancyKind } from '@foyer/provisioning';
import { shown, type Terminal } from '../../terminal.ts';

/** The most discrepancies of each kind shown on a terminal; --json has all of them. */
const SHOWN = 20;

/** Prints the report and returns the exit status: 0 when there is no discrepancy, 1 when a person has to act. */
export async function report(verified: VerifiedRun, tenant: string, terminal: Terminal): Promise<number> {
  const { certificate, run, former, total, count } = verified;
  const figure = (number: number, what: string) =>
    terminal.print(`${number.toLocaleString('en')}`.padStart(11) + ` ${what}`);
  terminal.print(`Tenant ${tenant}, read since ${run.startedAt.toISOString()}\n`);
  figure(certificate.identities, 'identities');
  figure(certificate.boxUsers, 'Box users');
  figure(certificate.groups, 'groups');
  for (const kind of discrepancyKinds) figure(count(kind).count, meaningOf(kind).title);
  terminal.print('');
  for (const line of remarksOn(certificate)) terminal.print(`  ${line}`);
  const since =
    former &&
    ` (${former.finishedAt.toISOString()}: ${former.digest === certificate.digest ? 'the same' : former.digest})`;
  terminal.print(`  ${certificate.mapped} mappings, digest sha256 ${certificate.digest}${since ?? ''}`);
  for (const kind of discrepancyKinds) if (count(kind).count > 0) await show(kind, verified, terminal);
  terminal.print(
    total === 0
      ? '\nEverything matches: one Box user for each mapped identity, and no others.'
      : `\n${total} ${total === 1 ? 'discrepancy needs' : 'discrepancies need'} an operator, or verify --repair.`,
  );
  return total === 0 ? 0 : 1;
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

async function show(kind: DiscrepancyKind, { count, pages }: VerifiedRun, terminal: Terminal): Promise<void> {
  const { title, remedy, docs } = meaningOf(kind);
  terminal.print(`\n${title}, ${docs}\n  ${remedy}`);
  for await (const page of pages(kind, SHOWN))
    for (const discrepancy of page) terminal.print(`  - ${nameOf(discrepancy)}: ${discrepancy.detail}`);
  const more = count(kind).count - SHOWN;
  if (more > 0) terminal.print(`  … and ${more} more: --json lists all of them`);
  const { unconfirmed } = count(kind);
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
}: ReportedDiscrepancy): string {
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
  { certificate, run, former, total, count, pages }: VerifiedRun,
  tenant: string,
  terminal: Terminal,
): Promise<number> {
  const { digest, notProvisioned, inProgress, tooNew, passed, settled, settledOrphans, ...counts } =
    certificate;
  const discrepancies = Object.fromEntries(discrepancyKinds.map((kind) => [kind, count(kind).count]));
  const head = {
    tenant,
    run: run.id,
    readSince: run.startedAt.toISOString(),
    fits: total === 0,
    counts: { ...counts, ...discrepancies },
    ...{ inProgress, tooNew, passed, settled, settledOrphans, notProvisioned, digest, former },
  };
  terminal.print(`${JSON.stringify(head, null, 2).slice(0, -2)},\n  "discrepancies": [`);
  let separator = '';
  for (const kind of discrepancyKinds) {
    for await (const page of pages(kind)) {
      for (const { id: _id, ...discrepancy } of page) {
        terminal.print(`${separator}    ${JSON.stringify(discrepancy)}`);
        separator = ',';
      }
      await terminal.drained();
    }
  }
  terminal.print('  ]\n}');
  return total === 0 ? 0 : 1;
}
