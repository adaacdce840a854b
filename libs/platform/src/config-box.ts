import { readText } from './config-read.ts';

/** How Foyer authenticates to Box: Client Credentials, or the JSON of a JWT app. */
export type BoxAuthConfig =
  | {
      readonly kind: 'ccg';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly enterpriseId: string;
    }
  | { readonly kind: 'jwt'; readonly configJson: string };

interface BoxValues {
  readonly BOX_CLIENT_ID?: string;
  readonly BOX_CLIENT_SECRET?: string;
  readonly BOX_ENTERPRISE_ID?: string;
  readonly BOX_JWT_CONFIG_FILE?: string;
}

export const boxExamples = {
  BOX_CLIENT_ID: 'abc123',
  BOX_CLIENT_SECRET: 'the secret of your Box app',
  BOX_ENTERPRISE_ID: '123456',
  BOX_JWT_CONFIG_FILE: '/run/secrets/box-config.json',
} as const;

/** The errors in the combination of Box's variables, one line each. */
export function boxFaults(
  values: BoxValues,
  isFaulty: (name: keyof BoxValues) => boolean,
): readonly string[] {
  const { BOX_JWT_CONFIG_FILE: file, BOX_CLIENT_SECRET: secret } = values;
  if (isFaulty('BOX_JWT_CONFIG_FILE')) return [];
  if (file === undefined) {
    return (['BOX_CLIENT_ID', 'BOX_CLIENT_SECRET', 'BOX_ENTERPRISE_ID'] as const)
      .filter((name) => values[name] === undefined && !isFaulty(name))
      .map((name) => `${name} is missing. Example: ${name}=${boxExamples[name]}`);
  }
  if (secret !== undefined)
    return [
      'BOX_JWT_CONFIG_FILE and BOX_CLIENT_SECRET are both set. Keep only the one that your Box app uses.',
    ];
  try {
    readText(file);
    return [];
  } catch {
    return [
      `BOX_JWT_CONFIG_FILE cannot be read. Example: BOX_JWT_CONFIG_FILE=${boxExamples.BOX_JWT_CONFIG_FILE}`,
    ];
  }
}

/** Only for values without errors. */
export function boxAuthOf(values: BoxValues): BoxAuthConfig {
  const { BOX_CLIENT_ID = '', BOX_CLIENT_SECRET = '', BOX_ENTERPRISE_ID = '', BOX_JWT_CONFIG_FILE } = values;
  return BOX_JWT_CONFIG_FILE === undefined
    ? {
        kind: 'ccg',
        clientId: BOX_CLIENT_ID,
        clientSecret: BOX_CLIENT_SECRET,
        enterpriseId: BOX_ENTERPRISE_ID,
      }
    : { kind: 'jwt', configJson: readText(BOX_JWT_CONFIG_FILE) };
}
