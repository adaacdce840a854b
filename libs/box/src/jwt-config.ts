import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

/** An invalid setting for Box. The message names the field and never contains a value. */
export class BoxConfigError extends Error {
  override readonly name = 'BoxConfigError';
}

export interface JwtSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly enterpriseId: string;
  readonly publicKeyId: string;
  readonly privateKey: string;
  readonly passphrase: string;
}

const filled = z.string({ error: 'must be text' }).trim().min(1, { error: 'is empty' });
const part = <T extends z.ZodRawShape>(shape: T) => z.object(shape, { error: 'must be an object' });

/**
 * The file from Box's developer console (Box guide "JWT with SDKs"). An app that is not authorized yet has the
 * enterprise id "0".
 */
const configFile = part({
  boxAppSettings: part({
    clientID: filled,
    clientSecret: filled,
    appAuth: part({
      publicKeyID: filled,
      privateKey: filled.includes('PRIVATE KEY-----', { error: 'is not a private key in PEM form' }),
      passphrase: z.string({ error: 'must be text' }),
    }),
  }),
  enterpriseID: z
    .union([z.string(), z.number()], { error: 'must be text' })
    .transform(String)
    .refine((id) => /^[1-9]\d*$/.test(id), { error: 'is not the id of an enterprise' }),
});

/**
 * Reads the JSON configuration of a Box app with JWT authentication, and opens its private key once to check the
 * passphrase. Throws BoxConfigError that names every invalid field.
 */
export function parseJwtConfig(configJson: string): JwtSettings {
  const parsed = configFile.safeParse(parseJson(configJson));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'the file'} ${message}`,
    );
    throw new BoxConfigError(`The Box JWT configuration is not valid: ${problems.join('; ')}.`);
  }
  const { boxAppSettings, enterpriseID } = parsed.data;
  const { publicKeyID, privateKey, passphrase } = boxAppSettings.appAuth;
  assertKeyOpens(privateKey, passphrase);
  return {
    clientId: boxAppSettings.clientID,
    clientSecret: boxAppSettings.clientSecret,
    enterpriseId: enterpriseID,
    publicKeyId: publicKeyID,
    privateKey,
    passphrase,
  };
}

/** JSON.parse quotes the text around an error, which may contain a secret, so only the fact is passed on. */
function parseJson(text: string): unknown {
  try {
    // A byte order mark is not part of JSON (RFC 8259, section 8.1), but editors on Windows write one.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new BoxConfigError('The Box JWT configuration is not valid: the file is not JSON.');
  }
}

function assertKeyOpens(privateKey: string, passphrase: string): void {
  const type = keyType(privateKey, passphrase);
  if (type === 'rsa') return;
  const why =
    type === null
      ? 'cannot be opened with boxAppSettings.appAuth.passphrase'
      : 'is not an RSA key, which Box requires';
  throw new BoxConfigError(
    `The Box JWT configuration is not valid: boxAppSettings.appAuth.privateKey ${why}.`,
  );
}

/** Null when the key cannot be read at all. */
function keyType(privateKey: string, passphrase: string): string | null {
  try {
    return createPrivateKey({ key: privateKey, format: 'pem', passphrase }).asymmetricKeyType ?? 'unknown';
  } catch {
    return null;
  }
}
