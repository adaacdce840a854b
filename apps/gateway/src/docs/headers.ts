import { IdempotencyKey } from '@foyer/shared';
import { z } from 'zod';

export const etag = z.string().meta({
  description: 'Changes whenever the request changes. Send it back as `If-None-Match`.',
  example: '"4"',
});

export const retryAfter = z
  .string()
  .regex(/^[0-9]+$/)
  .meta({
    description: 'Whole seconds to wait before the next call.',
    example: '1',
  });

export const location = z.string().meta({
  description: 'The address of the request.',
  example: '/v1/provisioning-requests/0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01',
});

export const contentLocation = z.string().meta({
  description: 'An address at Box. Everyone who has the address can read the file until the address expires.',
  example: 'https://dl.boxcloud.com/d/1/b1!example/download',
});

export const preferenceApplied = z.string().meta({
  description: 'The waiting time that was granted (RFC 7240).',
  example: 'wait=30',
});

export const wwwAuthenticate = z.string().meta({
  description: 'The reason, such as a missing scope (RFC 6750).',
  example: 'Bearer realm="foyer", error="invalid_token"',
});

export const ifNoneMatch = z.string().optional().meta({
  description: 'The `ETag` that you have. As long as nothing has changed, the answer is 304 without a body.',
  example: '"4"',
});

export const prefer = z
  .string()
  .optional()
  .meta({
    description:
      '`wait=SECONDS` delays the answer until there is a change, for 30 seconds at most (RFC 7240). With `If-None-Match`, until the ' +
      'request differs from that version; without it, until the request changes or is final.',
    example: 'wait=30',
  });

export const idempotencyKey = IdempotencyKey.optional().meta({
  description:
    'Makes it safe to repeat a call: the same key with the same body is the same request. The same key with another body ' +
    'is refused. Each client has its own keys.',
  example: 'a2f7c1d0-import-17',
});
