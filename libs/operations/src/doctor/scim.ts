import { ScimTokens, scimTokenProblem, type Database } from '@foyer/persistence';
import { notChecked, ok, warning, type Check } from './check.ts';

const DAY_MS = 86_400_000;

export const scimChecks = (database: Database, tenantId: string): Check[] => [
  {
    name: 'SCIM tokens',
    remedy: 'Check DATABASE_URL.',
    run: async () => {
      const tokens = new ScimTokens(database, tenantId);
      const active = (await tokens.list()).filter(({ state }) => state === 'active');
      const problem = scimTokenProblem(await tokens.standing());
      if (problem !== null)
        return warning(problem, 'docs/operate.md#scim-tokens says how to replace a token.');
      if (active.length === 0) return notChecked('There is no SCIM token, so no directory can push people.');
      const used = active.flatMap(({ lastUsedAt }) => (lastUsedAt === null ? [] : [lastUsedAt.getTime()]));
      if (used.length === 0)
        return warning(
          'No SCIM client has used a token yet.',
          'Test the connection in Okta: docs/configure-okta-scim.md.',
        );
      const last = Math.max(...used);
      const days = (Date.now() - last) / DAY_MS;
      const detail = `${active.length} active; the last push used one at ${new Date(last).toISOString()}.`;
      return days > 7
        ? warning(
            detail,
            'If people have changed in Okta since then, look at the provisioning log of the app there.',
          )
        : ok(detail);
    },
  },
];
