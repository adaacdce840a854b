import type { GatewayConfig } from '@foyer/platform';
import { createDocument, type oas31 } from 'zod-openapi';
import { paths } from './operations.ts';

const description = `Foyer keeps exactly one Box App User in step with each Okta identity. Use this API to provision people and to follow the progress.

**Access.** A person who signed in can read their own data only. Machines present an access token of Okta's custom
authorization server, obtained by client credentials, with the scopes \`foyer.read\`, \`foyer.write\` or \`foyer.audit\`.

**Lists** are newest first. Send \`nextCursor\` of one page as \`cursor\` to get the next; it is null on the last page.

**SCIM 2.0** has its own address, \`/scim/v2\`, and describes itself at \`/scim/v2/Schemas\`. Each SCIM write creates a provisioning
request: its address is in the header \`foyer-request\`.

**Errors** are problem details (RFC 9457) with a \`code\` of [a closed list](/docs/errors). Unknown fields and unknown query
parameters are refused, and so are bodies over 64 KiB, except those of batches.`;

const scopes = {
  'foyer.read': 'Read identities and provisioning requests',
  'foyer.write': 'Create and retry provisioning requests',
  'foyer.audit': 'Read the record of API calls',
};

type DocumentConfig = Pick<GatewayConfig, 'FOYER_ENV' | 'OKTA_API_ISSUER_URI'>;

/** Where machines request their access tokens. */
export const tokenUrlOf = ({ OKTA_API_ISSUER_URI }: Pick<GatewayConfig, 'OKTA_API_ISSUER_URI'>): string =>
  `${OKTA_API_ISSUER_URI}/v1/token`;

/** The OpenAPI 3.1 document of the REST API, generated from the schemas that validate the routes. */
export const openApiDocument = ({ FOYER_ENV, OKTA_API_ISSUER_URI }: DocumentConfig): oas31.OpenAPIObject =>
  createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Foyer',
      version: '1',
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this page' }],
    tags: [
      { name: 'Me', description: 'The person who signed in' },
      {
        name: 'Provisioning requests',
        description: 'Reasons to provision a person or a group, and the result of each',
      },
      { name: 'Provisioning batches', description: 'Files of people, and the progress of each' },
      { name: 'Identities', description: 'People as Okta knows them, and their Box accounts' },
      { name: 'Audit', description: 'The append-only record of API calls' },
    ],
    paths,
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: FOYER_ENV === 'production' ? '__Host-foyer' : 'foyer',
          description: 'The session of a browser that signed in at /login.',
        },
        okta: {
          type: 'oauth2',
          description: 'Client credentials at Okta’s custom authorization server (RFC 6749, section 4.4).',
          flows: { clientCredentials: { tokenUrl: tokenUrlOf({ OKTA_API_ISSUER_URI }), scopes } },
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token of that server, unchanged.',
        },
      },
    },
  });
