import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The settings with which a Box twin starts. `port` 0 takes any free one; `rateLimitPerMinute` null means no limit. */
export interface BoxTwinConfig {
  port: number;
  host: string;
  clientId: string;
  clientSecret: string;
  enterpriseId: string;
  publicKeys: KeyObject[];
  rateLimitPerMinute: number | null;
}

export const sampleConfig: Readonly<BoxTwinConfig> = Object.freeze({
  port: 4500,
  host: '127.0.0.1',
  clientId: 'twin-box-client',
  clientSecret: 'twin-box-secret',
  enterpriseId: '900100',
  publicKeys: [],
  rateLimitPerMinute: 1000,
});

/** An invalid variable that prevents the start; the message names it, states the problem and shows an example. */
export class ConfigError extends Error {}

/** Parses PEM text into a key for verification; throws when it is not an RSA key of at least 2048 bits. */
export function publicKeyFromPem(pem: string): KeyObject {
  const key = createPublicKey(pem.replaceAll('\\n', '\n'));
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw new Error('it must be an RSA key of at least 2048 bits');
  }
  return key;
}

/** Reads the BOX_TWIN_* variables; throws ConfigError for an invalid value. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): BoxTwinConfig {
  return {
    port: wholeNumber(env, 'BOX_TWIN_PORT', sampleConfig.port, 0, 65535),
    host: text(env, 'BOX_TWIN_HOST', sampleConfig.host),
    clientId: text(env, 'BOX_TWIN_CLIENT_ID', sampleConfig.clientId),
    clientSecret: text(env, 'BOX_TWIN_CLIENT_SECRET', sampleConfig.clientSecret),
    enterpriseId: text(env, 'BOX_TWIN_ENTERPRISE_ID', sampleConfig.enterpriseId),
    publicKeys: publicKeys(env.BOX_TWIN_PUBLIC_KEY),
    rateLimitPerMinute: wholeNumber(env, 'BOX_TWIN_RATE_LIMIT', 1000, 0, 10_000_000) || null,
  };
}

function text(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const value = env[name] ?? fallback;
  if (value.trim() === '') throw new ConfigError(`${name} is empty. Example: ${name}=${fallback}`);
  return value;
}

function wholeNumber(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const given = env[name];
  if (given === undefined) return fallback;
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ConfigError(
    `${name} is "${given}", but must be a whole number from ${min} to ${max}. Example: ${name}=${fallback}`,
  );
}

function publicKeys(given: string | undefined): KeyObject[] {
  if (given === undefined || given.trim() === '') return [];
  try {
    return [publicKeyFromPem(given.includes('-----BEGIN') ? given : readFileSync(given, 'utf8'))];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `BOX_TWIN_PUBLIC_KEY is neither PEM text nor a file with it (${why}). Example: BOX_TWIN_PUBLIC_KEY=./box-public.pem`,
    );
  }
}
