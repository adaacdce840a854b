import { settingsFaults } from './config-settings.ts';

const good = {
  DATABASE_URL: 'postgresql://foyer_app@postgres:5432/foyer',
  REDIS_URL: 'redis://redis:6379',
  FOYER_BASE_URL: 'https://foyer.example.com',
  OKTA_ISSUER_URI: 'https://example.okta.com',
  OKTA_CLIENT_ID: 'client',
  OKTA_CLIENT_SECRET: 'Zp4vX1mWq8Tn6Lr0Ks2Yc7Hd9Bf3Gj5A',
  SESSION_SECRET: 'q3LxV0u8Wn5ZkT1yRj7PmB4sHc9DfG2e',
  BOX_CLIENT_ID: 'id',
  BOX_CLIENT_SECRET: 'y7Jd0x2fQm9sVb4NkR3tLw8e',
  BOX_ENTERPRISE_ID: '123',
};
const passwords = {
  POSTGRES_PASSWORD: '5f0c6d1e9b',
  APP_DATABASE_PASSWORD: '7a2b8c4d1f',
  REDIS_PASSWORD: 'e1d2c3b4a5',
};
const compose = { compose: true };
const namesIn = (faults: readonly string[]) => faults.map((fault) => fault.split(' ')[0]!);

describe('the settings of all programs', () => {
  it('are valid when the settings of each program are', () => {
    expect(settingsFaults(good)).toEqual([]);
    expect(settingsFaults({ ...good, ...passwords }, compose)).toEqual([]);
  });

  it('are checked together: each missing or invalid setting is reported once, all at the same time', () => {
    const { DATABASE_URL, REDIS_URL } = good;
    const faults = settingsFaults(
      { DATABASE_URL, REDIS_URL, LEASE_SECONDS: '0', TRUST_PROXY: 'yes', LOG_LEVEL: 'loud' },
      compose,
    );
    expect(namesIn(faults).sort()).toEqual([
      'APP_DATABASE_PASSWORD',
      'BOX_CLIENT_ID',
      'BOX_CLIENT_SECRET',
      'BOX_ENTERPRISE_ID',
      'FOYER_BASE_URL',
      'LEASE_SECONDS',
      'LOG_LEVEL',
      'OKTA_CLIENT_ID',
      'OKTA_CLIENT_SECRET',
      'OKTA_ISSUER_URI',
      'POSTGRES_PASSWORD',
      'REDIS_PASSWORD',
      'SESSION_SECRET',
      'TRUST_PROXY',
    ]);
    expect(faults.filter((fault) => !fault.includes('Example: '))).toEqual([]);
  });

  it('are rejected with a password that would change its URL, and the message does not contain the password', () => {
    const faults = settingsFaults({ ...good, ...passwords, REDIS_PASSWORD: 'p@ss/word' }, compose);
    expect(faults).toEqual([expect.stringMatching(/^REDIS_PASSWORD must be letters and digits alone/)]);
    expect(faults.join('')).not.toContain('p@ss');
  });

  it('are rejected with a published password in production only', () => {
    const sample = { ...good, ...passwords, POSTGRES_PASSWORD: 'sampleonly' };
    expect(namesIn(settingsFaults(sample, compose))).toEqual(['POSTGRES_PASSWORD']);
    expect(settingsFaults({ ...sample, FOYER_ENV: 'development' }, compose)).toEqual([]);
  });
});
