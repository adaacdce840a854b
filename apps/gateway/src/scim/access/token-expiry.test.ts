import { createLogger } from '@foyer/platform';
import { scimTokenReport } from '../../reports.ts';
import { ScimHouse } from './scim-authenticator.harness.ts';

let house: ScimHouse;
beforeEach(async () => {
  house = await ScimHouse.start();
});
afterEach(() => house.stop());

const left = (name: string, interval: string) =>
  house.api.sql(`UPDATE scim_token SET expires_at = clock_timestamp() + $2::interval WHERE name = $1`, [
    name,
    interval,
  ]);

const ready = async () => {
  const answer = await fetch(`${house.api.url}/readyz`);
  const { parts, warnings } = (await answer.json()) as {
    parts: Record<string, string>;
    warnings?: Record<string, string>;
  };
  return { status: answer.status, part: parts['scim-tokens'], warning: warnings?.['scim-tokens'] };
};

const gauges = async () => {
  const page = await (await fetch(`${house.api.url}/metrics`)).text();
  const lines = page.matchAll(/^foyer_scim_token_expires_seconds\{.*name="([^"]+)".*\} (\S+)$/gm);
  return Object.fromEntries(
    [...lines].map(([, name = '', seconds]) => [name, Math.round(Number(seconds) / 3_600)] as const),
  );
};

it('is reported by readyz, which stays ready, from fourteen days before until another token exists', async () => {
  expect(await ready()).toEqual({ status: 200, part: 'ok', warning: undefined });
  await house.token('okta', 15);
  expect(await ready()).toEqual({ status: 200, part: 'ok', warning: undefined });
  await left('okta', '13 days');
  const { status, part, warning } = await ready();
  expect([status, part]).toEqual([200, 'ok']);
  expect(warning).toMatch(/^The SCIM token okta …\S{4} expires at 20.*scim-token create$/);
  await left('okta', '-1 second');
  expect((await ready()).warning).toContain('expired at');
  await house.token('okta-2');
  expect((await ready()).warning).toBeUndefined();
});

it('is a gauge for each token that is not revoked', async () => {
  await house.token('okta-1', 10);
  await house.token('okta-2', 20);
  await house.token('gone');
  await house.api.context.tenant.scimTokens.revoke('gone', 'operator');
  await left('okta-1', '-2 hours');
  expect(await gauges()).toEqual({ 'okta-1': -2, 'okta-2': 480 });
  await house.api.context.tenant.scimTokens.revoke('okta-1', 'operator');
  expect(await gauges()).toEqual({ 'okta-2': 480 });
});

it('is logged when the gateway starts and repeatedly after that, with a rising level', async () => {
  await house.token('fine');
  await house.token('soon', 5);
  await house.token('over', 5);
  await left('over', '-1 day');
  await house.api.sql(`UPDATE scim_token SET revoked_at = clock_timestamp() WHERE name = 'fine'`);
  await house.api.sql(`UPDATE scim_token SET created_at = created_at - interval '1 day' WHERE name = 'soon'`);
  const lines: Record<string, unknown>[] = [];
  let heard = () => undefined as void;
  const logger = createLogger('gateway', 'info', {
    write: (line) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
      heard();
    },
  });
  const report = scimTokenReport(house.api.context.tenant.scimTokens, logger, 20);
  await report.start();
  expect(lines).toMatchObject([
    { event: 'scim-token-expiring', level: 'error', name: 'over' },
    { event: 'scim-token-expiring', level: 'warn', name: 'soon' },
  ]);
  expect(lines[1]!['expiresAt']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  await new Promise<void>((resolve) => (heard = () => (lines.length >= 6 ? resolve() : undefined)));
  await report.stop();
});

it('is still logged after an outage of the database', async () => {
  await house.token('soon', 5);
  let [heard, asked] = [0, 0];
  const logger = createLogger('gateway', 'info', { write: () => void heard++ });
  const { scimTokens } = house.api.context.tenant;
  const tokens = { standing: () => (asked++, scimTokens.standing()) };
  const report = scimTokenReport(tokens, logger, 10);
  await report.start();
  await house.api.database.goAway();
  const whenAway = asked;
  await until(() => asked > whenAway + 2);
  await house.api.database.comeBack();
  const whenBack = heard;
  await until(() => heard > whenBack);
  await report.stop();
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
