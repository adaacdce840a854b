import { mergeIdentities, type MergeReport } from '@foyer/operations';
import { FoyerError, isId, toLine } from '@foyer/shared';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';
import type { Terminal } from '../../terminal.ts';
import { printPerson } from '../person.ts';

/** A person may have many ids and groups, which one sentence names. */
const LONGEST_SENTENCE = 10_000;

export const mergeIdentitiesCommand: Command = {
  path: ['identity', 'merge'],
  operands: 'STAYING OTHER',
  summary: 'merge two identities that are one person; the first one stays',
  options: { yes: { type: 'boolean' }, reactivate: { type: 'boolean' }, json: { type: 'boolean' } },
  help: {
    'STAYING OTHER': 'two identity ids, as person shows them',
    '--yes': 'do it; without it, the command only shows both and what it would do',
    '--reactivate': 'the identity that stays is deactivated, and becomes active as the other one is',
    '--json': 'print the result as JSON',
  },
  async run({ terminal, config, operator }, { yes, reactivate, json }, operands) {
    const [staying, other] = operands.map((id) => id.toLowerCase());
    if (
      operands.length !== 2 ||
      staying === undefined ||
      other === undefined ||
      !isId(staying) ||
      !isId(other)
    )
      throw new OperatorProblem(
        'identity merge takes the ids of two identities: first the one that stays. The command person shows them.',
      );
    const order = {
      staying,
      other,
      reactivate: reactivate === true,
      operator: yes === true ? operator : null,
    };
    return withTenant(config(), async (sources) => {
      const report = await mergeIdentities(sources, order).catch(problemOf);
      if (json) terminal.json(report);
      else print(report, terminal);
      return report.kind === 'conflict' ? 1 : 0;
    });
  },
};

function problemOf(error: unknown): never {
  if (error instanceof FoyerError && error.code === 'not_found')
    throw new OperatorProblem(`${error.detail ?? error.message} Nothing was changed.`);
  throw error;
}

const heading: Record<MergeReport['kind'], string> = {
  planned: 'What the merge would do',
  merged: 'Done',
  done: 'Done already',
  conflict: 'Not merged, nothing was changed',
};

function print(report: MergeReport, terminal: Terminal): void {
  const { kind, staying, other, sentences } = report;
  if (kind !== 'merged') {
    terminal.print(`The one that stays\n`);
    printPerson(staying, terminal);
    terminal.print(`\nThe other one\n`);
    printPerson(other, terminal);
    terminal.print('');
  }
  terminal.print(heading[kind]);
  for (const sentence of sentences) terminal.print(`- ${toLine(sentence, LONGEST_SENTENCE)}`);
  if (kind !== 'planned') return;
  const reactivate = sentences.some((sentence) => sentence.includes('becomes active')) ? ' --reactivate' : '';
  terminal.print(
    `\nNothing was changed. To do it: npm run foyer -- identity merge ${staying.identity.id} ${other.identity.id}${reactivate} --yes`,
  );
}
