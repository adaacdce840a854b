import { z } from 'zod';
import { readGatewayConfig, readProvisionerConfig } from './config.ts';
import { ConfigError, readVariables, type Environment, type Rule } from './config-read.ts';
import { isSample } from './secret-strength.ts';

/** docker-compose.yml writes these passwords into addresses, where other characters would have another meaning. */
const password = z
  .string()
  .regex(/^[A-Za-z0-9._~-]+$/, 'must be letters and digits alone, because it becomes part of an address');
const variable = { schema: password, example: 'the output of: openssl rand -hex 24', secret: true };

/** What docker-compose.yml needs besides the variables of gateway and provisioner. */
const composeVariables = {
  POSTGRES_PASSWORD: variable,
  APP_DATABASE_PASSWORD: variable,
  REDIS_PASSWORD: variable,
} as const;

/**
 * What is wrong with the variables of gateway and provisioner, one line each, without repetition; nothing is opened or
 * called. `compose`: also with those of docker-compose.yml, which names no files for secrets.
 */
export function settingsFaults(
  environment: Environment = process.env,
  { compose = false }: { readonly compose?: boolean } = {},
): readonly string[] {
  const checks: (() => unknown)[] = [
    () => readGatewayConfig(environment),
    () => readProvisionerConfig(environment),
  ];
  if (compose) checks.push(() => readVariables(composeVariables, environment, [ownPasswords(environment)]));
  return [...new Set(checks.flatMap(faultsOf))];
}

/** Outside development no store may have a published password. */
const ownPasswords =
  ({ FOYER_ENV }: Environment): Rule<typeof composeVariables> =>
  (values) =>
    FOYER_ENV?.trim() === 'development'
      ? []
      : Object.entries(values)
          .filter(([, value]) => isSample(value))
          .map(
            ([name]) =>
              `${name} is a published sample, which production refuses. Use the output of: openssl rand -hex 24`,
          );

function faultsOf(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}
