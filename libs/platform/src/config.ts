import { z } from 'zod';
import { boxAuthOf, boxExamples, boxFaults, type BoxAuthConfig } from './config-box.ts';
import { encryptedInProduction, secretsInProduction } from './config-production.ts';
import {
  address,
  issuer,
  origin,
  readVariables,
  text,
  wholeNumber,
  word,
  type Environment,
  type Rule,
  type Values,
} from './config-read.ts';

export type { BoxAuthConfig };

const postgresUrl = z.string().regex(/^postgres(ql)?:\/\/\S+$/, 'must begin with postgresql://');
const redisUrl = z.string().regex(/^rediss?:\/\/\S+$/, 'must begin with redis:// or rediss://');

const common = {
  FOYER_TENANT: {
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and dashes, at most 63')
      .default('default'),
    example: 'default',
  },
  DATABASE_URL: {
    schema: postgresUrl,
    example: 'postgresql://foyer:PASSWORD@localhost:5432/foyer',
    secret: true,
  },
  DATABASE_POOL: { schema: wholeNumber(2, 200, 10), example: '10' },
  REDIS_URL: { schema: redisUrl.optional(), example: 'redis://localhost:6379', secret: true },
  QUEUE_PREFIX: {
    schema: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,40}$/, 'must be lower-case letters, digits, _ and -')
      .default('foyer'),
    example: 'foyer',
  },
  LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    example: 'info',
  },
  BOX_BASE_URL: { schema: address.default('https://api.box.com'), example: 'https://api.box.com' },
  BOX_TIMEOUT_MS: { schema: wholeNumber(100, 60_000, 10_000), example: '10000' },
  BOX_CALLS_PER_MINUTE: {
    schema: wholeNumber(0, 1_000_000, 1_000).refine(
      (limit) => limit === 0 || limit >= 10,
      'must be 0 (no limit) or a whole number from 10 to 1000000',
    ),
    example: '1000',
  },
  BOX_CLIENT_ID: { schema: word.optional(), example: boxExamples.BOX_CLIENT_ID },
  BOX_CLIENT_SECRET: { schema: word.optional(), example: boxExamples.BOX_CLIENT_SECRET, secret: true },
  BOX_ENTERPRISE_ID: {
    schema: z
      .string()
      .regex(/^[0-9]+$/, 'must be digits')
      .optional(),
    example: boxExamples.BOX_ENTERPRISE_ID,
  },
  BOX_JWT_CONFIG_FILE: { schema: text.optional(), example: boxExamples.BOX_JWT_CONFIG_FILE },
} as const;

/** Gateway and provisioner must have the same value, because the gateway describes what the provisioner does. */
const both = {
  RECREATE_DELETED: {
    schema: z.enum(['on-sign-in', 'never'], { error: 'must be on-sign-in or never' }).default('never'),
    example: 'never',
  },
} as const;

const gatewayVariables = {
  ...common,
  ...both,
  FOYER_ENV: { schema: z.enum(['development', 'production']).default('production'), example: 'production' },
  FOYER_BASE_URL: { schema: origin, example: 'https://foyer.example.com' },
  GATEWAY_HOST: { schema: text.default('127.0.0.1'), example: '0.0.0.0' },
  GATEWAY_PORT: { schema: wholeNumber(0, 65_535, 3000), example: '3000' },
  OKTA_ISSUER_URI: { schema: issuer, example: 'https://example.okta.com' },
  OKTA_CLIENT_ID: { schema: word, example: '0oa1example' },
  OKTA_CLIENT_SECRET: { schema: word, example: 'the secret of your Okta app', secret: true },
  OKTA_API_ISSUER_URI: { schema: issuer.optional(), example: 'https://example.okta.com/oauth2/default' },
  OKTA_API_AUDIENCE: { schema: text.default('api://foyer'), example: 'api://foyer' },
  SESSION_SECRET: {
    schema: z
      .string()
      .transform((value) => value.split(',').map((part) => part.trim()))
      .refine(
        (parts) => parts.every((part) => part.length >= 32),
        'must be 32 or more characters (add former secrets after a comma)',
      ),
    example: 'the output of: openssl rand -base64 48',
    secret: true,
  },
  SESSION_IDLE_MINUTES: { schema: wholeNumber(1, 1_440, 30), example: '30' },
  SESSION_MAX_HOURS: { schema: wholeNumber(1, 168, 8), example: '8' },
  SCIM_DELETE: {
    schema: z.enum(['deactivate', 'delete'], { error: 'must be deactivate or delete' }).default('deactivate'),
    example: 'deactivate',
  },
  SCIM_UNKNOWN: {
    schema: z.enum(['ignore', 'refuse'], { error: 'must be ignore or refuse' }).default('ignore'),
    example: 'ignore',
  },
  TRUST_PROXY: { schema: wholeNumber(0, 10, 0), example: '1' },
  SIGN_IN_LIMIT_PER_MINUTE: { schema: wholeNumber(1, 100_000, 60), example: '60' },
  API_LIMIT_PER_MINUTE: { schema: wholeNumber(0, 10_000_000, 12_000), example: '12000' },
  PERSON_LIMIT_PER_MINUTE: { schema: wholeNumber(0, 1_000_000, 600), example: '600' },
  FILES_LIMIT_PER_MINUTE: { schema: wholeNumber(0, 1_000_000, 30), example: '30' },
  REQUESTS_AT_ONCE: { schema: wholeNumber(0, 100_000, 1_000), example: '1000' },
  REQUESTS_AT_ONCE_PER_CALLER: { schema: wholeNumber(0, 100_000, 250), example: '250' },
  HELD_ANSWERS_PER_CALLER: { schema: wholeNumber(0, 100_000, 200), example: '200' },
} as const;

const provisionerVariables = {
  ...common,
  ...both,
  PROVISIONER_HOST: { schema: text.default('127.0.0.1'), example: '0.0.0.0' },
  PROVISIONER_PORT: { schema: wholeNumber(0, 65_535, 3001), example: '3001' },
  PROVISIONER_CONCURRENCY: { schema: wholeNumber(1, 100, 10), example: '10' },
  INTERACTIVE_CONCURRENCY: { schema: wholeNumber(1, 100, 5), example: '5' },
  LEASE_SECONDS: { schema: wholeNumber(1, 600, 30), example: '30' },
  RELAY_INTERVAL_MS: { schema: wholeNumber(50, 60_000, 1_000), example: '1000' },
  RELAY_GRACE_MS: { schema: wholeNumber(50, 60_000, 5_000), example: '5000' },
  SEAL_INTERVAL_MS: { schema: wholeNumber(100, 3_600_000, 5_000), example: '5000' },
  STALLED_INTERVAL_MS: { schema: wholeNumber(500, 300_000, 5_000), example: '5000' },
  RETRY_ATTEMPTS: { schema: wholeNumber(1, 100, 12), example: '12' },
  RETRY_BASE_MS: { schema: wholeNumber(1, 60_000, 1_000), example: '1000' },
  RETRY_MAX_MS: { schema: wholeNumber(1, 3_600_000, 300_000), example: '300000' },
} as const;

/** The operators' commands need the database, and some of them Box. */
const operatorVariables = common;

/** How the gateway signs people in; the provider sends them back to `redirectUri`. */
export interface OktaConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly apiIssuer: string;
}

export type GatewayConfig = Readonly<
  Values<typeof gatewayVariables> & { OKTA_API_ISSUER_URI: string; boxAuth: BoxAuthConfig }
>;
export type OperatorConfig = Readonly<
  Values<typeof operatorVariables> & {
    boxAuth: () => BoxAuthConfig;
    oktaIssuer: () => string;
    okta: () => OktaConfig;
  }
>;
export type ProvisionerConfig = Readonly<Values<typeof provisionerVariables> & { boxAuth: BoxAuthConfig }>;

/** Throws ConfigError, which names each invalid variable, says what is wrong and shows an example. */
export function readGatewayConfig(environment: Environment = process.env): GatewayConfig {
  const rules = [encryptedInProduction, secretsInProduction, boxFaults];
  const values = readVariables(gatewayVariables, environment, rules);
  const apiIssuer = values.OKTA_API_ISSUER_URI ?? apiIssuerOf(values.OKTA_ISSUER_URI);
  return Object.freeze({ ...values, OKTA_API_ISSUER_URI: apiIssuer, boxAuth: boxAuthOf(values) });
}

/** The default issuer of the API's access tokens: the custom authorization server that many Okta orgs have. */
export const apiIssuerOf = (issuer: string): string => `${issuer.replace(/\/+$/, '')}/oauth2/default`;

/** As `readGatewayConfig`. */
export function readProvisionerConfig(environment: Environment = process.env): ProvisionerConfig {
  const values = readVariables(provisionerVariables, environment, [leaseOutlivesCall, boxFaults]);
  return Object.freeze({ ...values, boxAuth: boxAuthOf(values) });
}

/**
 * As `readGatewayConfig`; `tenant` overrides FOYER_TENANT. Box's variables are checked for completeness when `boxAuth`
 * is called, Okta's when `oktaIssuer` or `okta` is.
 */
export function readOperatorConfig(environment: Environment = process.env, tenant?: string): OperatorConfig {
  const given = tenant === undefined ? environment : { ...environment, FOYER_TENANT: tenant };
  const values = readVariables(operatorVariables, given);
  const { OKTA_ISSUER_URI } = gatewayVariables;
  const oktaIssuer = () => readVariables({ OKTA_ISSUER_URI }, given).OKTA_ISSUER_URI;
  const boxAuth = () => boxAuthOf(readVariables(operatorVariables, given, [boxFaults]));
  return Object.freeze({ ...values, boxAuth, oktaIssuer, okta: () => readOkta(given) });
}

const leaseOutlivesCall: Rule<typeof provisionerVariables> = ({ LEASE_SECONDS, BOX_TIMEOUT_MS }) =>
  LEASE_SECONDS === undefined || BOX_TIMEOUT_MS === undefined || LEASE_SECONDS * 1000 > BOX_TIMEOUT_MS
    ? []
    : [
        'LEASE_SECONDS must be longer than BOX_TIMEOUT_MS, otherwise a worker loses its lease while it waits for Box. Example: LEASE_SECONDS=30',
      ];

function readOkta(environment: Environment): OktaConfig {
  const { FOYER_BASE_URL, OKTA_ISSUER_URI, OKTA_CLIENT_ID, OKTA_CLIENT_SECRET, OKTA_API_ISSUER_URI } =
    gatewayVariables;
  const values = readVariables(
    { FOYER_BASE_URL, OKTA_ISSUER_URI, OKTA_CLIENT_ID, OKTA_CLIENT_SECRET, OKTA_API_ISSUER_URI },
    environment,
  );
  return {
    issuer: values.OKTA_ISSUER_URI,
    clientId: values.OKTA_CLIENT_ID,
    clientSecret: values.OKTA_CLIENT_SECRET,
    redirectUri: `${values.FOYER_BASE_URL}/authorization-code/callback`,
    apiIssuer: values.OKTA_API_ISSUER_URI ?? apiIssuerOf(values.OKTA_ISSUER_URI),
  };
}
