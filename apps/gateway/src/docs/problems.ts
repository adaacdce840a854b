import { toProblem } from '@foyer/platform';
import { errorCatalog, FoyerError, Problem, type ErrorCode } from '@foyer/shared';
import { z } from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { retryAfter, wwwAuthenticate } from './headers.ts';

const reference = 'urn:uuid:3c0d2e4f-6a5b-4c7d-8e9f-0a1b2c3d4e05';

/** The detail that examples show where a code alone is too vague. */
const words: Partial<Record<ErrorCode, FoyerError>> = {
  invalid_request: new FoyerError('invalid_request', undefined, {
    fields: [{ field: 'subject', message: 'Invalid input: expected string, received undefined' }],
  }),
  invalid_token: new FoyerError('invalid_token', 'The token has expired.'),
  insufficient_scope: new FoyerError('insufficient_scope', 'The access token needs the scope foyer.write.'),
  box_rate_limited: new FoyerError('box_rate_limited', 'Box asked Foyer to wait 30 s.', {
    retryAfterMs: 30_000,
  }),
};

/** The problem document of a code. */
const exampleOf = (code: ErrorCode): Problem => toProblem(words[code] ?? new FoyerError(code), reference);

/** The responses for these codes: one for each status, with an example for each code. */
export function problemResponses(codes: readonly ErrorCode[]): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(codes, (code) => errorCatalog[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [String(status), problemResponse(status, group)]),
  );
}

function problemResponse(status: number, codes: readonly ErrorCode[]): ZodOpenApiResponseObject {
  const headers = {
    ...(codes.some((code) => challenged.has(code)) && { 'WWW-Authenticate': wwwAuthenticate }),
    ...((status === 503 || status === 429) && { 'Retry-After': retryAfter }),
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCatalog[code].title}.`).join('\n\n'),
    ...(Object.keys(headers).length > 0 && { headers: z.object(headers).partial() }),
    content: {
      'application/problem+json': {
        schema: Problem,
        examples: Object.fromEntries(
          codes.map((code) => [code, { summary: errorCatalog[code].title, value: exampleOf(code) }]),
        ),
      },
    },
  };
}

const challenged: ReadonlySet<ErrorCode> = new Set([
  'unauthenticated',
  'invalid_token',
  'insufficient_scope',
]);
