import { explainPeople, type PersonReport } from '@foyer/operations';
import { OperatorProblem, type Command } from '../command.ts';
import { table } from '../table.ts';
import { withTenant } from '../tenancy.ts';
import { shown, type Terminal } from '../terminal.ts';

const LONGEST_QUERY = 320;

export const personCommand: Command = {
  path: ['person'],
  operands: 'QUERY',
  summary: 'show one person: identity, Box user, groups, requests, and why there are no files',
  options: { json: { type: 'boolean' } },
  help: {
    QUERY: 'an identity id, Okta id, Box user id, user name in any case, e-mail address, or part of a name',
    '--json': 'print the result as JSON',
  },
  async run({ terminal, config }, values, operands) {
    const query = operands.join(' ').trim();
    if (query === '' || query.length > LONGEST_QUERY || query.includes('\0'))
      throw new OperatorProblem(
        'Give an id, a user name, an e-mail address or part of a name, such as: person ada@example.com',
      );
    return withTenant(config(), async (sources) => {
      const report = await explainPeople(sources, query);
      if (values.json) terminal.json(report);
      else if (report.people.length === 0) terminal.print(`No person matches "${shown(query)}".`);
      else if (report.people.length === 1) printPerson(report.people[0]!, terminal);
      else printMany(report.people, report.hasMore, terminal);
      return report.people.length === 0 ? 1 : 0;
    });
  },
};

function printMany(people: readonly PersonReport[], hasMore: boolean, terminal: Terminal): void {
  const rows = people.map(({ identity, foundBy }) => [
    identity.id,
    shown(identity.username),
    shown(identity.name),
    shown(identity.subject),
    identity.active ? 'active' : 'deactivated',
    identity.boxAccount === null ? 'no Box user' : `Box user ${identity.boxAccount.boxUserId}`,
    `by ${foundBy}`,
  ]);
  for (const line of table(rows)) terminal.print(line);
  terminal.print(`\n${hasMore ? 'More people match. ' : ''}person ID shows the details of one person.`);
}

/** Prints all that Foyer knows of one person. */
export function printPerson(person: PersonReport, terminal: Terminal): void {
  const {
    identity,
    managedBy,
    deletedByScimAt,
    mergedInto,
    mergedFrom,
    sessions,
    groups,
    formerBoxUsers,
    requests,
  } = person;
  const rows = [
    ['Identity', identity.id],
    ['User name', shown(identity.username)],
    ['Name', shown(identity.name)],
    ['E-mail', identity.email === null ? '-' : shown(identity.email)],
    ['Okta id', shown(identity.subject)],
    ['Issuer', shown(identity.issuer)],
    ['State', identity.active ? 'active' : 'deactivated'],
    ['Managed by', managedBy === 'scim' ? 'SCIM' : 'sign-ins'],
    ['Changed', identity.updatedAt],
    ['Sessions', `${sessions}`],
    ['Box user', boxUserOf(identity.boxAccount)],
  ];
  if (deletedByScimAt !== null && mergedInto === null)
    rows.push(['Deleted by SCIM', deletedByScimAt.toISOString()]);
  if (mergedInto !== null) rows.push(['Merged into', mergedInto]);
  if (mergedFrom.length > 0) rows.push(['Merged from', mergedFrom.join(', ')]);
  for (const line of table(rows)) terminal.print(line);
  for (const { boxUserId, reason, endedAt } of formerBoxUsers)
    terminal.print(`Former Box user ${boxUserId}: ${reason}, ${endedAt.toISOString()}`);
  if (person.links.length > 1)
    printList(
      'Ids',
      person.links.map(({ directory, subject, rule }) => [shown(subject), shown(directory), rule]),
      terminal,
    );
  printList(
    'Groups',
    groups.map(({ displayName, isInBox, trouble }) => [
      shown(displayName),
      isInBox ? 'in Box' : trouble === null ? 'not in Box yet' : `not in Box: ${shown(trouble)}`,
    ]),
    terminal,
  );
  printList(
    'Newest requests',
    requests.map(({ id, createdAt, cause, status, outcome, error }) => [
      createdAt,
      id,
      cause,
      outcome ?? status,
      error?.code ?? '',
    ]),
    terminal,
  );
  terminal.print(`\n${person.whyNoFiles ?? 'Foyer knows no reason why this person would have no files.'}`);
}

function printList(title: string, rows: readonly (readonly string[])[], terminal: Terminal): void {
  terminal.print(`\n${title}`);
  for (const line of table(rows.length === 0 ? [['none']] : rows)) terminal.print(`  ${line}`);
}

const boxUserOf = (account: PersonReport['identity']['boxAccount']): string =>
  account === null
    ? 'none'
    : `${account.boxUserId}, ${account.status}, ${account.inStep ? 'in step' : 'not in step'}, "${shown(account.name)}"`;
