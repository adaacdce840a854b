import { headText, readAuditHead } from '@foyer/operations';
import { OperatorProblem, type Command } from '../../command.ts';
import { withTenant } from '../../tenancy.ts';

export const auditHeadCommand: Command = {
  path: ['audit', 'head'],
  summary: 'print the end of the audit chain, to store it elsewhere',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'with the tenant and the time of sealing, as one line of JSON' },
  async run({ terminal, config }, values) {
    const { FOYER_TENANT: tenant } = config();
    return withTenant(config(), async (sources) => {
      const head = await readAuditHead(sources);
      if (head === null)
        throw new OperatorProblem(
          'The audit log of this tenant has no sealed block yet. A running provisioner seals new rows.',
        );
      const text = headText(head);
      if (values.json) terminal.json({ tenant, head: text, sealedAt: head.sealedAt.toISOString() });
      else terminal.print(text);
      return 0;
    });
  },
};
