import type { SourceMutant } from './mutant.ts';

const turns = 'libs/persistence/src/convergence/attempt-statements.ts';
const people = 'libs/persistence/src/convergence/convergence-statements.ts';
const missing = 'libs/persistence/src/box-accounts/missing-account.ts';
const taking = 'libs/persistence/src/convergence/taking.ts';
const log = 'libs/persistence/src/call-log/call-log.ts';
const relay = 'libs/persistence/src/requests/relay-store.ts';
const sealer = 'libs/persistence/src/audit/sealer.ts';

/** Guards of leases and fences, of stored accounts and calls, of the outbox, and of sealing. */
export const storeMutants: readonly SourceMutant[] = [
  {
    name: 'lease: is acquired although another worker holds it',
    file: turns,
    from: '\n      AND (i.lease_expires_at IS NULL OR i.lease_expires_at <= clock_timestamp())\n    RETURNING i.*',
    to: '\n    RETURNING i.*',
  },
  {
    name: 'lease: the token does not grow',
    file: turns,
    from: 'SET lease_token = i.lease_token + 1, lease_expires_at',
    to: 'SET lease_token = i.lease_token, lease_expires_at',
  },
  {
    name: 'fence: an older token is accepted',
    file: turns,
    from: 'AND lease_token = $token::bigint AND lease_expires_at > clock_timestamp()`;',
    to: 'AND lease_token >= $token::bigint AND lease_expires_at > clock_timestamp()`;',
  },
  {
    name: 'fence: an expired lease is accepted',
    file: turns,
    from: 'AND lease_token = $token::bigint AND lease_expires_at > clock_timestamp()`;',
    to: 'AND lease_token = $token::bigint`;',
  },
  {
    name: 'fence: an intent needs no token',
    file: log,
    from: 'AND lease_token = $token::bigint\n      AND lease_expires_at > clock_timestamp()',
    to: 'AND $token::bigint > 0\n      AND lease_expires_at > clock_timestamp()',
  },
  {
    name: 'fence: an intent needs no unexpired lease',
    file: log,
    from: 'AND lease_token = $token::bigint\n      AND lease_expires_at > clock_timestamp()',
    to: 'AND lease_token = $token::bigint',
  },
  {
    name: 'take: a snapshot that is too old is used',
    file: turns,
    from: 'AND i.xmin = s.version\n',
    to: '\n',
    unseen: 'Between two boundaries no other thread runs: take-races.test.ts waits inside of the statement.',
  },
  {
    name: 'take: a running request is not due again',
    file: turns,
    from: "due_at = l.lease_expires_at + interval '1 second'",
    to: 'due_at = NULL',
  },
  {
    name: 'take: a create without an outcome is ignored',
    file: people,
    from: "ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1",
    to: "AND o.result IS NOT NULL ORDER BY (o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1",
  },
  {
    name: 'take: the last create counts, not the unsettled one',
    file: people,
    from: "ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1",
    to: 'ORDER BY call.id DESC LIMIT 1',
  },
  {
    name: 'take: a successful create without a mapping counts as refused',
    file: taking,
    from: "return row.create_result === 'failed' ? 'refused' : 'unsettled';",
    to: "return row.create_result === 'failed' || row.create_result === 'ok' ? 'refused' : 'unsettled';",
  },
  {
    name: 'take: an ambiguous create counts as refused',
    file: taking,
    from: "return row.create_result === 'failed' ? 'refused' : 'unsettled';",
    to: "return row.create_result === 'failed' || row.create_result === 'ambiguous' ? 'refused' : 'unsettled';",
  },
  {
    name: 'take: an update without an outcome counts as settled',
    file: people,
    from: "AND (o.result IS NULL OR o.result IN ('ok', 'ambiguous')))`;",
    to: "AND o.result IN ('ok', 'ambiguous'))`;",
  },
  {
    name: 'take: an ambiguous update counts as settled',
    file: people,
    from: "AND (o.result IS NULL OR o.result IN ('ok', 'ambiguous')))`;",
    to: "AND (o.result IS NULL OR o.result = 'ok'))`;",
  },
  {
    name: 'account: an update is never settled',
    file: missing,
    from: "WHERE c.identity_id = fence.id AND c.operation IN ('update_user', 'delete_user')), 0)`;",
    to: 'WHERE false), 0)`;',
  },
  {
    name: 'account: creates before a deletion count for the next account',
    file: missing,
    from: 'export const createsSettled = `creates_after = greatest(identity.creates_after, (',
    to: 'export const createsSettled = `creates_after = least(identity.creates_after, (',
    unseen: 'Box is then asked first, once too often.',
  },
  {
    name: 'account: the generation is not kept',
    file: people,
    from: 'status = excluded.status, applied_generation = excluded.applied_generation,',
    to: 'status = excluded.status,',
  },
  {
    name: 'account: the status is not kept',
    file: people,
    from: 'status = excluded.status, applied_generation = excluded.applied_generation,',
    to: 'applied_generation = excluded.applied_generation,',
  },
  {
    name: 'retry: the request is not due again',
    file: turns,
    from: "due_at = ${next} + $grace_ms::float8 * interval '1 millisecond', version = r.version + 1`,",
    to: 'due_at = CASE WHEN $grace_ms::float8 < 0 THEN ${next} END, version = r.version + 1`,',
  },
  {
    name: 'hand back: the request is not due again',
    file: turns,
    from: 'failures = $failures::int, due_at = clock_timestamp(), version',
    to: 'failures = $failures::int, due_at = NULL, version',
  },
  {
    name: 'relay: a relayed request is not due again',
    file: relay,
    from: 'UPDATE provisioning_request r SET due_at = clock_timestamp() + least(',
    to: 'UPDATE provisioning_request r SET due_at = NULL, error_detail = error_detail || least(',
  },
  {
    name: 'sealer: skips the remaining rows of a transaction that was read in part',
    file: sealer,
    from: 'AND c.tx >= $horizon::xid8 AND c.tx < $xmin::xid8',
    to: 'AND c.tx > $horizon::xid8 AND c.tx < $xmin::xid8',
  },
  {
    name: 'sealer: skips the rows that a running transaction writes later',
    file: sealer,
    from: 'const horizon = more ? rows.at(-1)!.tx : xmin;',
    to: 'const horizon = more ? rows.at(-1)!.tx : String(BigInt(xmin) + 40n);',
  },
];
