import { checkSettings } from './index.ts';

const environment = {
  FOYER_ENV: 'development',
  DATABASE_URL: 'postgresql://foyer@localhost/foyer',
  FOYER_BASE_URL: 'http://localhost:3000',
  OKTA_ISSUER_URI: 'http://localhost:4400',
  OKTA_CLIENT_ID: 'client',
  OKTA_CLIENT_SECRET: 'secret',
  SESSION_SECRET: 'sample-only-sample-only-sample-only-sample-only',
  BOX_CLIENT_ID: 'id',
  BOX_CLIENT_SECRET: 'secret',
  BOX_ENTERPRISE_ID: '123',
};

it('finds no fault in complete settings', () => {
  expect(checkSettings({ environment, compose: false })).toEqual({ isComplete: true, faults: [] });
});

it('names the faults of gateway and provisioner at once, without the value of a secret', () => {
  const wrong = {
    ...environment,
    OKTA_CLIENT_ID: '',
    PROVISIONER_CONCURRENCY: 'many',
    SESSION_SECRET: 'hush',
  };
  const { isComplete, faults } = checkSettings({ environment: wrong, compose: false });
  expect(isComplete).toBe(false);
  expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual([
    'OKTA_CLIENT_ID',
    'PROVISIONER_CONCURRENCY',
    'SESSION_SECRET',
  ]);
  expect(faults.join(' ')).not.toContain('hush');
});

it('checks the variables of docker-compose.yml only when asked', () => {
  const { faults } = checkSettings({ environment, compose: true });
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
    'POSTGRES_PASSWORD',
    'APP_DATABASE_PASSWORD',
    'REDIS_PASSWORD',
  ]);
});
