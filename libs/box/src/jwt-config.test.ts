import { generateKeyPairSync } from 'node:crypto';
import { BoxConfigError, boxAppOf, parseJwtConfig } from './index.ts';

const PASSPHRASE = 'open-sesame-please';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE },
});
const CLIENT_SECRET = 'client-secret-value';

const file = (changes: object = {}, settings: object = {}, appAuth: object = {}) =>
  JSON.stringify({
    boxAppSettings: {
      clientID: 'app-1',
      clientSecret: CLIENT_SECRET,
      appAuth: { publicKeyID: 'key-1', privateKey, passphrase: PASSPHRASE, ...appAuth },
      ...settings,
    },
    enterpriseID: '77',
    ...changes,
  });

function messageOf(configJson: string): string {
  try {
    parseJwtConfig(configJson);
  } catch (error) {
    if (error instanceof BoxConfigError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

it("reads the file of Box's developer console", () => {
  expect(parseJwtConfig(file({ webhooks: {} }))).toEqual({
    clientId: 'app-1',
    clientSecret: CLIENT_SECRET,
    enterpriseId: '77',
    publicKeyId: 'key-1',
    privateKey: privateKey.trim(),
    passphrase: PASSPHRASE,
  });
  expect(boxAppOf({ kind: 'jwt', configJson: file() })).toEqual({ clientId: 'app-1', enterpriseId: '77' });
});

it('reads a file with a byte order mark', () => {
  expect(parseJwtConfig(`\ufeff${file()}`)).toEqual(parseJwtConfig(file()));
});

it.each<[string, string]>([
  ['the file is not JSON', file().slice(0, -1)],
  ['the file must be an object', '[]'],
  ['boxAppSettings must be an object', '{"enterpriseID":"77"}'],
  ['boxAppSettings.clientID must be text', file({}, { clientID: 7 })],
  ['boxAppSettings.clientSecret is empty', file({}, { clientSecret: ' ' })],
  ['boxAppSettings.appAuth must be an object', file({}, { appAuth: null })],
  ['boxAppSettings.appAuth.publicKeyID must be text', file({}, {}, { publicKeyID: undefined })],
  ['boxAppSettings.appAuth.privateKey is not a private key in PEM form', file({}, {}, { privateKey: 'abc' })],
  [
    'boxAppSettings.appAuth.privateKey cannot be opened with boxAppSettings.appAuth.passphrase',
    file({}, {}, { passphrase: 'wrong-passphrase' }),
  ],
  ['enterpriseID is not the id of an enterprise', file({ enterpriseID: '0' })],
])('rejects a file and reports that %s', (expected, configJson) => {
  const message = messageOf(configJson);
  expect(message).toContain(expected);
  for (const secret of [CLIENT_SECRET, PASSPHRASE, 'wrong-passphrase', 'MII'])
    expect(message).not.toContain(secret);
});

it('reports every invalid field at once', () => {
  const message = messageOf('{"boxAppSettings":{"appAuth":{}}}');
  for (const field of [
    'clientID',
    'clientSecret',
    'publicKeyID',
    'privateKey',
    'passphrase',
    'enterpriseID',
  ]) {
    expect(message).toContain(field);
  }
});
