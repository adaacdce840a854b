import type { ErrorCode } from '@foyer/shared';
import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiResponseObject } from 'zod-openapi';
import * as headers from './headers.ts';

type Security = NonNullable<ZodOpenApiOperationObject['security']>;
export const person: Security = [{ session: [] }];
export const machine = (scope: string): Security => [{ okta: [scope] }, { bearer: [scope] }];

export const always: ErrorCode[] = [
  'unauthenticated',
  'invalid_token',
  'too_many_requests',
  'okta_unavailable',
  'unavailable',
  'internal_error',
];
/** Sessions cannot change anything here: their POST is refused as a forgery, or because it has no scope. */
export const withBody: ErrorCode[] = [
  'csrf_failed',
  'malformed_body',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
];

export const json = (
  description: string,
  schema: z.ZodType,
  values: Readonly<Record<string, unknown>>,
  more: Partial<ZodOpenApiResponseObject> = {},
): ZodOpenApiResponseObject => ({
  description,
  content: {
    'application/json': {
      schema,
      examples: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
    },
  },
  ...more,
});

export const located = { headers: z.object({ Location: headers.location }) };
export const versioned = {
  ETag: headers.etag,
  'Retry-After': headers.retryAfter.optional(),
  'Preference-Applied': headers.preferenceApplied.optional(),
};
