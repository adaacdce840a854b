import { statement } from '../database/statement.ts';

/** The statements that store a file of people, except those of its chunks. */

/** Releases the key of a batch without a heartbeat for `gone_ms`. */
export const releaseKey = statement<'tenant' | 'actor' | 'key' | 'gone_ms'>(
  'batch-release-key',
  `UPDATE provisioning_batch SET idempotency_key = NULL
   WHERE tenant_id = $tenant::uuid AND actor = $actor::text AND idempotency_key = $key::text AND received_at IS NULL
     AND heartbeat_at < clock_timestamp() - $gone_ms::float8 * interval '1 millisecond'`,
);

export const begin = statement<'tenant' | 'actor' | 'format' | 'key'>(
  'batch-begin',
  `INSERT INTO provisioning_batch (tenant_id, actor, format, idempotency_key)
   VALUES ($tenant::uuid, $actor::text, $format::text, $key::text)
   ON CONFLICT (tenant_id, actor, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id`,
);

export const earlier = statement<'tenant' | 'actor' | 'key'>(
  'batch-earlier',
  `SELECT id, body_hash AS "bodyHash" FROM provisioning_batch
   WHERE tenant_id = $tenant::uuid AND actor = $actor::text AND idempotency_key = $key::text`,
);

export const beat = statement<'tenant' | 'batch'>(
  'batch-beat',
  `UPDATE provisioning_batch SET heartbeat_at = clock_timestamp()
   WHERE id = $batch::uuid AND tenant_id = $tenant::uuid`,
);

export const end = statement<'tenant' | 'batch' | 'body_hash' | 'stopped_line' | 'stopped_why'>(
  'batch-end',
  `UPDATE provisioning_batch SET received_at = clock_timestamp(), body_hash = $body_hash::text,
     stopped_line = $stopped_line::int, stopped_why = $stopped_why::text,
     idempotency_key = CASE WHEN $stopped_line::int IS NULL THEN idempotency_key END
   WHERE id = $batch::uuid AND tenant_id = $tenant::uuid`,
);
