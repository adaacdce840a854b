import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readGatewayConfig, readProvisionerConfig } from './config.ts';
import { ConfigError } from './config-read.ts';

const box = { BOX_CLIENT_ID: 'id', BOX_CLIENT_SECRET: 'box-secret', BOX_ENTERPRISE_ID: '123' };
const provisioner = { DATABASE_URL: 'postgresql://foyer:pw@localhost/foyer', ...box };
const gateway = {
  ...provisioner,
  FOYER_BASE_URL: 'https://foyer.example.com',
  OKTA_ISSUER_URI: 'https://example.okta.com',
  OKTA_CLIENT_ID: 'client',
  OKTA_CLIENT_SECRET: 'okta-secret',
  SESSION_SECRET: 's'.repeat(32),
};

const faultsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

const file = (content: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'foyer-config-')), 'secret');
  writeFileSync(path, content);
  return path;
};

describe('the configuration', () => {
  it('is whole with the required values, frozen, and has the documented defaults', () => {
    const config = readGatewayConfig(gateway);
    expect(config).toMatchObject({
      FOYER_ENV: 'production',
      FOYER_TENANT: 'default',
      GATEWAY_PORT: 3000,
      OKTA_API_ISSUER_URI: 'https://example.okta.com/oauth2/default',
      boxAuth: { kind: 'ccg', clientId: 'id', clientSecret: 'box-secret', enterpriseId: '123' },
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names every missing variable at once, each with an example', () => {
    const faults = faultsOf(() => readGatewayConfig({}));
    for (const name of [
      'FOYER_BASE_URL',
      'DATABASE_URL',
      'OKTA_ISSUER_URI',
      'OKTA_CLIENT_SECRET',
      'SESSION_SECRET',
    ]) {
      expect(faults).toContainEqual(
        expect.stringMatching(new RegExp(`^${name} is missing\\. Example: ${name}=`)),
      );
    }
  });

  it.each([
    ['DATABASE_URL', 'mysql://localhost/foyer'],
    ['DATABASE_POOL', '1'],
    ['DATABASE_POOL', '1e3'],
    ['FOYER_TENANT', 'Über Firma'],
    ['FOYER_BASE_URL', 'https://foyer.example.com/app'],
    ['FOYER_BASE_URL', 'javascript:alert(1)'],
    ['GATEWAY_PORT', '70000'],
    ['GATEWAY_PORT', '-1'],
    ['OKTA_ISSUER_URI', 'https://example.okta.com?x=1'],
    ['SESSION_SECRET', 'short'],
    ['SESSION_SECRET', `${'s'.repeat(32)},short`],
    ['LOG_LEVEL', 'loud'],
    ['REDIS_URL', 'localhost:6379'],
    ['BOX_ENTERPRISE_ID', 'abc'],
    ['BOX_BASE_URL', 'https://user:pw@api.box.com'],
  ])('refuses %s=%s, naming it', (name, value) => {
    const faults = faultsOf(() => readGatewayConfig({ ...gateway, [name]: value }));
    expect(faults).toEqual([expect.stringContaining(name)]);
  });

  it('never repeats a value that may be a secret', () => {
    const faults = faultsOf(() =>
      readGatewayConfig({ ...gateway, SESSION_SECRET: 'hunter2', DATABASE_URL: 'hunter2' }),
    );
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('takes an empty value for a missing one, as docker compose passes it', () => {
    expect(readGatewayConfig({ ...gateway, REDIS_URL: '', GATEWAY_PORT: '' })).toMatchObject({
      GATEWAY_PORT: 3000,
    });
  });

  it('reads a secret from the file that NAME_FILE names, and refuses both', () => {
    const SESSION_SECRET_FILE = file(`${'f'.repeat(40)}\n`);
    const { SESSION_SECRET: _, ...rest } = gateway;
    expect(readGatewayConfig({ ...rest, SESSION_SECRET_FILE }).SESSION_SECRET).toEqual(['f'.repeat(40)]);
    expect(faultsOf(() => readGatewayConfig({ ...gateway, SESSION_SECRET_FILE }))).toHaveLength(1);
    expect(faultsOf(() => readGatewayConfig({ ...rest, SESSION_SECRET_FILE: '/nowhere' }))).toEqual([
      expect.stringContaining('SESSION_SECRET_FILE'),
    ]);
  });

  it('demands https in production', () => {
    const plain = { ...gateway, FOYER_BASE_URL: 'http://localhost:3000' };
    expect(faultsOf(() => readGatewayConfig(plain))).toEqual([expect.stringContaining('https')]);
    expect(readGatewayConfig({ ...plain, FOYER_ENV: 'development' }).FOYER_BASE_URL).toBe(
      'http://localhost:3000',
    );
  });

  it('demands a lease longer than a call to Box', () => {
    const faults = faultsOf(() =>
      readProvisionerConfig({ ...provisioner, LEASE_SECONDS: '10', BOX_TIMEOUT_MS: '10000' }),
    );
    expect(faults).toEqual([expect.stringContaining('LEASE_SECONDS')]);
  });

  it('takes a Box JWT app, but not two ways to sign in at once', () => {
    const { DATABASE_URL } = provisioner;
    const BOX_JWT_CONFIG_FILE = file('{"boxAppSettings":{}}');
    expect(readProvisionerConfig({ DATABASE_URL, BOX_JWT_CONFIG_FILE }).boxAuth).toEqual({
      kind: 'jwt',
      configJson: '{"boxAppSettings":{}}',
    });
    expect(faultsOf(() => readProvisionerConfig({ ...provisioner, BOX_JWT_CONFIG_FILE }))).toHaveLength(1);
    expect(faultsOf(() => readProvisionerConfig({ DATABASE_URL }))).toHaveLength(3);
  });
});
