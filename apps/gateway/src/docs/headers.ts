import { IdempotencyKey } from '@foyer/shared';
import { z } from 'zod';

export const etag = z.string().meta({
  description: 'Changes with every change of the request. Send it back as `If-None-Match`.',
  example: '"4"',
});

export const retryAfter = z
  .string()
  .regex(/^[0-9]+$/)
  .meta({
    description: 'Whole seconds until it is worth asking again.',
    example: '1',
  });

export const location = z.string().meta({
  description: 'Where to follow the request.',
  example: '/v1/provisioning-requests/0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01',
});

export const contentLocation = z.string().meta({
  description: 'An address of Box. Whoever has it can read the file while it lasts.',
  example: 'https://dl.boxcloud.com/d/1/b1!example/download',
});

export const preferenceApplied = z.string().meta({
  description: 'The time granted (RFC 7240).',
  example: 'wait=30',
});

export const wwwAuthenticate = z.string().meta({
  description: 'What is missing (RFC 6750).',
  example: 'Bearer realm="foyer", error="invalid_token"',
});

export const ifNoneMatch = z.string().optional().meta({
  description: 'The `ETag` that you have: the answer is 304, without a body, while nothing has changed.',
  example: '"4"',
});

export const prefer = z
  .string()
  .optional()
  .meta({
    description:
      '`wait=SECONDS` holds the answer until there is news, 30 seconds at most (RFC 7240). With `If-None-Match`, until the ' +
      'request differs from that version; without, until it changes or is final.',
    example: 'wait=30',
  });

export const idempotencyKey = IdempotencyKey.optional().meta({
  description:
    'Makes it safe to send the same call again: the same key with the same body is the same request, with another body it ' +
    'is refused. Each client has keys of its own.',
  example: 'a2f7c1d0-import-17',
});
