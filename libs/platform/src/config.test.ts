import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readGatewayConfig, readOperatorConfig, readProvisionerConfig } from './config.ts';
import { ConfigError } from './config-read.ts';

const box = {
  BOX_CLIENT_ID: 'id',
  BOX_CLIENT_SECRET: 'y7Jd0x2fQm9sVb4NkR3tLw8e',
  BOX_ENTERPRISE_ID: '123',
};
const provisioner = { DATABASE_URL: 'postgresql://foyer:pw@localhost/foyer', ...box };
const gateway = {
  ...provisioner,
  FOYER_BASE_URL: 'https://foyer.example.com',
  OKTA_ISSUER_URI: 'https://example.okta.com',
  OKTA_CLIENT_ID: 'client',
  OKTA_CLIENT_SECRET: 'Zp4vX1mWq8Tn6Lr0Ks2Yc7Hd9Bf3Gj5A',
  SESSION_SECRET: 'q3LxV0u8Wn5ZkT1yRj7PmB4sHc9DfG2e',
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

const file = (content: string | Buffer): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'foyer-config-')), 'secret');
  writeFileSync(path, content);
  return path;
};

describe('the configuration', () => {
  it('is complete with the required values, frozen, and has the documented defaults', () => {
    const config = readGatewayConfig(gateway);
    expect(config).toMatchObject({
      FOYER_ENV: 'production',
      FOYER_TENANT: 'default',
      GATEWAY_PORT: 3000,
      OKTA_API_ISSUER_URI: 'https://example.okta.com/oauth2/default',
      boxAuth: { kind: 'ccg', clientId: 'id', clientSecret: box.BOX_CLIENT_SECRET, enterpriseId: '123' },
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reports every missing variable at once, each with an example', () => {
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
    ['SESSION_SECRET', `${gateway.SESSION_SECRET},short`],
    ['LOG_LEVEL', 'loud'],
    ['REDIS_URL', 'localhost:6379'],
    ['BOX_ENTERPRISE_ID', 'abc'],
    ['BOX_BASE_URL', 'https://user:pw@api.box.com'],
  ])('rejects %s=%s and names the variable', (name, value) => {
    const faults = faultsOf(() => readGatewayConfig({ ...gateway, [name]: value }));
    expect(faults).toEqual([expect.stringContaining(name)]);
  });

  it('does not repeat a value that may be a secret', () => {
    const faults = faultsOf(() =>
      readGatewayConfig({ ...gateway, SESSION_SECRET: 'hunter2', DATABASE_URL: 'hunter2' }),
    );
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('treats an empty value as missing, because docker compose passes it like that', () => {
    expect(readGatewayConfig({ ...gateway, REDIS_URL: '', GATEWAY_PORT: '' })).toMatchObject({
      GATEWAY_PORT: 3000,
    });
  });

  it('reads a secret from the file that NAME_FILE names, and rejects both together', () => {
    const SESSION_SECRET_FILE = file(`${gateway.SESSION_SECRET}\r\n`);
    const { SESSION_SECRET: _, ...rest } = gateway;
    expect(readGatewayConfig({ ...rest, SESSION_SECRET_FILE }).SESSION_SECRET).toEqual([
      gateway.SESSION_SECRET,
    ]);
    expect(faultsOf(() => readGatewayConfig({ ...gateway, SESSION_SECRET_FILE }))).toHaveLength(1);
    expect(faultsOf(() => readGatewayConfig({ ...rest, SESSION_SECRET_FILE: '/nowhere' }))).toEqual([
      expect.stringContaining('SESSION_SECRET_FILE'),
    ]);
  });

  it('requires https in production', () => {
    const plain = { ...gateway, FOYER_BASE_URL: 'http://localhost:3000' };
    expect(faultsOf(() => readGatewayConfig(plain))).toEqual([expect.stringContaining('https')]);
    expect(readGatewayConfig({ ...plain, FOYER_ENV: 'development' }).FOYER_BASE_URL).toBe(
      'http://localhost:3000',
    );
  });

  it('requires a lease longer than a call to Box', () => {
    const faults = faultsOf(() =>
      readProvisionerConfig({ ...provisioner, LEASE_SECONDS: '10', BOX_TIMEOUT_MS: '10000' }),
    );
    expect(faults).toEqual([expect.stringContaining('LEASE_SECONDS')]);
  });

  it('accepts a Box JWT app, but not two authentication methods at once', () => {
    const { DATABASE_URL } = provisioner;
    const BOX_JWT_CONFIG_FILE = file('{"boxAppSettings":{}}');
    expect(readProvisionerConfig({ DATABASE_URL, BOX_JWT_CONFIG_FILE }).boxAuth).toEqual({
      kind: 'jwt',
      configJson: '{"boxAppSettings":{}}',
    });
    expect(faultsOf(() => readProvisionerConfig({ ...provisioner, BOX_JWT_CONFIG_FILE }))).toHaveLength(1);
    expect(faultsOf(() => readProvisionerConfig({ DATABASE_URL }))).toHaveLength(3);
  });

  it('reports everything at once: missing values, invalid values, and values that contradict each other', () => {
    const { BOX_CLIENT_ID: _id, BOX_CLIENT_SECRET: _secret, SESSION_SECRET: _session, ...rest } = gateway;
    const environment = {
      ...rest,
      FOYER_BASE_URL: 'http://foyer.example.com',
      BOX_ENTERPRISE_ID: 'abc',
      LEASE_SECONDS: '10',
      BOX_TIMEOUT_MS: '10000',
    };
    const named = (read: () => unknown) => faultsOf(read).map((fault) => fault.split(' ', 1)[0]);
    expect(named(() => readGatewayConfig(environment))).toEqual([
      'BOX_ENTERPRISE_ID',
      'SESSION_SECRET',
      'FOYER_BASE_URL',
      'BOX_CLIENT_ID',
      'BOX_CLIENT_SECRET',
    ]);
    expect(named(() => readProvisionerConfig(environment))).toEqual([
      'BOX_ENTERPRISE_ID',
      'LEASE_SECONDS',
      'BOX_CLIENT_ID',
      'BOX_CLIENT_SECRET',
    ]);
    const operator = readOperatorConfig({ DATABASE_URL: gateway.DATABASE_URL });
    expect(named(operator.boxAuth)).toEqual(['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', 'BOX_ENTERPRISE_ID']);
  });

  describe.each([' ', '\n', '\r\n', '\t', '\u00a0', '\ufeff'])('with %j around each value', (blank) => {
    it('is the same as without', () => {
      const padded = Object.fromEntries(
        Object.entries(gateway).map(([name, value]) => [name, `${blank}${value}${blank}`]),
      );
      expect(readGatewayConfig(padded)).toEqual(readGatewayConfig(gateway));
      expect(readGatewayConfig({ ...gateway, REDIS_URL: blank }).REDIS_URL).toBeUndefined();
    });
  });

  it.each([
    ['OKTA_CLIENT_ID', 'two words', 'one word'],
    ['OKTA_CLIENT_ID', 'zero\u200bwidth', 'one word'],
    ['OKTA_CLIENT_SECRET', 'a\nb', 'one word'],
    ['BOX_CLIENT_SECRET', '"quoted"', 'quotes'],
    ['OKTA_ISSUER_URI', `'https://example.okta.com'`, 'quotes'],
    ['OKTA_ISSUER_URI', 'https://example.ok\nta.com', 'white space'],
    ['GATEWAY_HOST', '127.0.0.1\u0000', 'control characters'],
  ])('rejects %s=%j: %s', (name, value, word) => {
    const faults = faultsOf(() => readGatewayConfig({ ...gateway, [name]: value }));
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} .*${word}`))]);
  });

  it.each([
    ['utf8', '\ufeff'],
    ['utf16le', '\ufeff'],
    ['utf8', ''],
  ] as const)('reads files in %s with %j before the text', (encoding, mark) => {
    const written = (content: string) => file(Buffer.from(`${mark}${content}\r\n`, encoding));
    const { SESSION_SECRET, ...rest } = gateway;
    const { DATABASE_URL } = provisioner;
    expect(
      readGatewayConfig({ ...rest, SESSION_SECRET_FILE: written(SESSION_SECRET) }).SESSION_SECRET,
    ).toEqual([SESSION_SECRET]);
    expect(
      readProvisionerConfig({ DATABASE_URL, BOX_JWT_CONFIG_FILE: written('{"boxAppSettings":{}}') }).boxAuth,
    ).toEqual({ kind: 'jwt', configJson: '{"boxAppSettings":{}}\r\n' });
  });

  describe('an issuer', () => {
    it.each([
      ['https://tenant.auth0.com/', 'https://tenant.auth0.com/'],
      ['https://login.example.com/realms/one', 'https://login.example.com/realms/one'],
      // Okta's issuers never end with a slash.
      ['https://example.okta.com/', 'https://example.okta.com'],
      ['https://example.oktapreview.com/oauth2/default/', 'https://example.oktapreview.com/oauth2/default'],
    ])('%s is normalized to %s', (given, kept) => {
      const config = readGatewayConfig({ ...gateway, OKTA_ISSUER_URI: given, OKTA_API_ISSUER_URI: given });
      expect([config.OKTA_ISSUER_URI, config.OKTA_API_ISSUER_URI]).toEqual([kept, kept]);
    });

    it("with a trailing slash gives the API's issuer without a double slash", () => {
      expect(
        readGatewayConfig({ ...gateway, OKTA_ISSUER_URI: 'https://tenant.auth0.com/' }).OKTA_API_ISSUER_URI,
      ).toBe('https://tenant.auth0.com/oauth2/default');
    });
  });

  describe('in production', () => {
    const plain = { ...gateway, FOYER_ENV: 'production' };

    it.each(['FOYER_BASE_URL', 'OKTA_ISSUER_URI', 'OKTA_API_ISSUER_URI', 'BOX_BASE_URL'])(
      'rejects %s without TLS, and accepts it in development',
      (name) => {
        const environment = { ...plain, [name]: 'http://example.com' };
        expect(faultsOf(() => readGatewayConfig(environment))).toEqual([
          expect.stringMatching(new RegExp(`^${name} must begin with https://`)),
        ]);
        expect(readGatewayConfig({ ...environment, FOYER_ENV: 'development' })).toBeDefined();
      },
    );

    it('rejects every secret of twins.env', () => {
      const lines = readFileSync(new URL('../../../twins.env', import.meta.url), 'utf8').split('\n');
      const samples = Object.fromEntries(
        lines.flatMap((line) => (/^\w+=/.test(line) ? [line.split(/=(.*)/s).slice(0, 2)] : [])),
      ) as Record<string, string>;
      const { OKTA_CLIENT_SECRET, BOX_CLIENT_SECRET, SESSION_SECRET } = samples;
      const DATABASE_URL = `postgresql://foyer:${samples.APP_DATABASE_PASSWORD}@localhost/foyer`;
      const REDIS_URL = `redis://:${samples.REDIS_PASSWORD}@localhost:6379`;
      const secrets = { OKTA_CLIENT_SECRET, BOX_CLIENT_SECRET, SESSION_SECRET, DATABASE_URL, REDIS_URL };
      expect(Object.keys(samples).filter((name) => /SECRET|PASSWORD/.test(name))).toHaveLength(6);
      const faults = faultsOf(() => readGatewayConfig({ ...plain, ...secrets }));
      expect(faults).toHaveLength(5);
      for (const [name, value = ''] of Object.entries(secrets)) {
        expect(faults).toContainEqual(expect.stringMatching(new RegExp(`^${name} .*published sample`)));
        expect(faults.join()).not.toContain(value);
      }
      expect(readGatewayConfig({ ...plain, ...secrets, FOYER_ENV: 'development' })).toBeDefined();
    });

    it.each([
      ['SESSION_SECRET', 's'.repeat(64)],
      ['SESSION_SECRET', '0123456789'.repeat(5)],
      ['SESSION_SECRET', 'abcdefghijklmnopqrstuvwxyz0123456789'],
      ['SESSION_SECRET', `${gateway.SESSION_SECRET},${'secret'.repeat(6)}`],
      ['OKTA_CLIENT_SECRET', 'secret'],
      ['BOX_CLIENT_SECRET', 'a'.repeat(40)],
    ])('rejects %s=%s, which can be guessed', (name, value) => {
      const faults = faultsOf(() => readGatewayConfig({ ...plain, [name]: value }));
      expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} can be guessed`))]);
      expect(readGatewayConfig({ ...plain, [name]: value, FOYER_ENV: 'development' })).toBeDefined();
    });

    it('accepts a secret that openssl generates', () => {
      for (const [bytes, encoding] of [
        [16, 'hex'],
        [24, 'base64url'],
        [48, 'base64'],
      ] as const) {
        for (let tries = 0; tries < 200; tries++) {
          const SESSION_SECRET = randomBytes(bytes).toString(encoding);
          expect(readGatewayConfig({ ...plain, SESSION_SECRET }).SESSION_SECRET).toEqual([SESSION_SECRET]);
        }
      }
    });
  });
});
