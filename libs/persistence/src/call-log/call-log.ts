import {
  LeaseLost,
  type CallContext,
  type CallIntent,
  type CallLog,
  type CallOutcome,
  type RecordedChange,
} from '@foyer/provisioning';
import { run, statement, type Runner, type SqlValue, type Statement } from '../database/statement.ts';
import { sqlStateOf } from '../database/transaction.ts';

/** The API audit log in PostgreSQL: one row when a call begins, another when it ends; neither ever changes. */
export class PrismaCallLog implements CallLog {
  private readonly runner: Runner;
  private readonly tenantId: string;
  private readonly leaseMs: number;

  /** `leaseMs`: for how long an intent renews its worker's lease. */
  constructor(runner: Runner, tenantId: string, leaseMs: number) {
    this.runner = runner;
    this.tenantId = tenantId;
    this.leaseMs = leaseMs;
  }

  async intend(context: CallContext, intent: CallIntent): Promise<string> {
    const { lease } = context;
    const values = this.intentValues(context, intent);
    const [row] =
      lease === null
        ? await run<{ id: string | bigint }>(this.runner, intend, values)
        : await run<{ id: string | bigint }>(
            this.runner,
            'groupId' in lease ? intendFencedByGroup : intendFenced,
            {
              ...values,
              leased: 'groupId' in lease ? lease.groupId : lease.identityId,
              token: lease.token,
              lease_ms: this.leaseMs,
            },
          );
    if (!row) throw new LeaseLost(`Another worker has taken over lease ${lease?.token}.`);
    return row.id.toString();
  }

  async conclude(callId: string, outcome: CallOutcome): Promise<void> {
    await run(this.runner, conclude, { call: BigInt(callId), ...outcomeValues(outcome) });
  }

  async record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void> {
    await run(this.runner, record, { ...this.intentValues(context, intent), ...outcomeValues(outcome) });
  }

  /**
   * Writes the records of calls that have ended, in one statement and in their order. Where PostgreSQL does not accept
   * the data of one of them, the others are written all the same, and that one is returned.
   */
  async recordAll(records: readonly CallRecord[]): Promise<readonly RefusedRecord[]> {
    try {
      await this.writeAll(records);
      return [];
    } catch (error) {
      if (!isAboutData(error)) throw error;
      if (records.length === 1) return [{ record: records[0]!, error }];
      const half = records.length >> 1;
      return [
        ...(await this.recordAll(records.slice(0, half))),
        ...(await this.recordAll(records.slice(half))),
      ];
    }
  }

  private async writeAll(records: readonly CallRecord[]): Promise<void> {
    const calls = records.map(({ context, intent, outcome }) => ({
      ...intent,
      request: context.requestId,
      identity: context.identityId,
      ...outcome,
      duration_ms: outcome.durationMs,
    }));
    await run(this.runner, recordSet, { tenant: this.tenantId, calls: JSON.stringify(calls) });
  }

  private intentValues(context: CallContext, intent: CallIntent): Record<IntentValue, SqlValue> {
    return {
      tenant: this.tenantId,
      request: context.requestId,
      identity: context.identityId,
      ...callValues(intent),
    };
  }
}

/** A call that has ended, for the audit log. */
export interface CallRecord {
  readonly context: CallContext;
  readonly intent: CallIntent;
  readonly outcome: CallOutcome;
}

/** A record that PostgreSQL does not accept, and why. */
export interface RefusedRecord {
  readonly record: CallRecord;
  readonly error: unknown;
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity constraint violation): the same data fail again. */
const isAboutData = (error: unknown): boolean => /^2[23]/.test(sqlStateOf(error) ?? '');

/** A change as one statement, and the same with the record of the call that asked for it in that statement. */
export interface RecordableChange<V extends string> {
  readonly alone: Statement<V>;
  readonly onRecord: Statement<V | ChangeValue>;
}

/** `text` gets the further parts of its WITH; `about`: as for `recorded`. */
export const recordable = <V extends string>(
  name: string,
  text: (more: string) => string,
  about: Parameters<typeof recorded>[0],
): RecordableChange<V> => ({
  alone: statement<V>(name, text('')),
  onRecord: statement<V | ChangeValue>(name, text(`, ${recorded(about)}`)),
});

/** Runs the change, with its record when a call asked for it. */
export const runChange = <R extends object, V extends string>(
  runner: Runner,
  { alone, onRecord }: RecordableChange<V>,
  values: Readonly<Record<V, SqlValue>>,
  call: RecordedChange | undefined,
): Promise<R[]> =>
  call === undefined
    ? run<R>(runner, alone, values)
    : run<R>(runner, onRecord, { ...values, ...changeValues(call) });

/** The values of `recorded`, except the tenant. */
const changeValues = (change: RecordedChange): Record<ChangeValue, SqlValue> => ({
  ...callValues(change.intent()),
  ...outcomeValues(change.outcome()),
});

const callValues = ({
  parameters,
  direction,
  system,
  operation,
  method,
  path,
  actor,
}: CallIntent): Record<CallValue, SqlValue> => ({
  ...{ direction, system, operation, method, path, actor },
  parameters: JSON.stringify(parameters),
});

const outcomeValues = ({
  result,
  status,
  error,
  answer,
  durationMs,
}: CallOutcome): Record<OutcomeValue, SqlValue> => ({
  ...{ result, status, error },
  answer: answer && JSON.stringify(answer),
  duration_ms: durationMs,
});

type CallValue = 'direction' | 'system' | 'operation' | 'method' | 'path' | 'actor' | 'parameters';
type IntentValue = CallValue | 'tenant' | 'request' | 'identity';
type OutcomeValue = 'result' | 'status' | 'error' | 'answer' | 'duration_ms';
type ChangeValue = CallValue | OutcomeValue;

const insertCallAbout = (request: string, identity: string) => `
  INSERT INTO api_call (tenant_id, direction, system, operation, method, path, request_id, identity_id, actor, parameters)
  SELECT $tenant::uuid, $direction::text, $system::text, $operation::text, $method::text, $path::text, ${request},
    ${identity}, $actor::text, $parameters::jsonb`;
const insertCall = insertCallAbout('$request::uuid', '$identity::uuid');
const outcomeColumns = '(call_id, tenant_id, call_at, result, status, error, answer, duration_ms)';
const outcome = '$result::text, $status::smallint, $error::text, $answer::jsonb, $duration_ms::float8';

const intend = statement<IntentValue>('intend', `${insertCall} RETURNING id`);

/** The fence is on the row that the attempt has leased, even when the call is about another one. */
const fencedBy = (table: 'identity' | 'scim_group') => `WITH fence AS (
    UPDATE ${table} SET lease_expires_at = clock_timestamp() + $lease_ms::float8 * interval '1 millisecond'
    WHERE id = $leased::uuid AND tenant_id = $tenant::uuid AND lease_token = $token::bigint
      AND lease_expires_at > clock_timestamp()
    RETURNING id
  ) ${insertCall} FROM fence RETURNING id`;
type Fenced = IntentValue | 'leased' | 'token' | 'lease_ms';
const intendFenced = statement<Fenced>('intend-fenced', fencedBy('identity'));
const intendFencedByGroup = statement<Fenced>('intend-fenced', fencedBy('scim_group'));

const conclude = statement<'call' | OutcomeValue>(
  'conclude',
  `INSERT INTO api_call_outcome ${outcomeColumns} SELECT id, tenant_id, at, ${outcome} FROM api_call WHERE id = $call::bigint`,
);

const record = statement<IntentValue | OutcomeValue>(
  'record',
  `WITH call AS (${insertCall} RETURNING id, tenant_id, at)
  INSERT INTO api_call_outcome ${outcomeColumns} SELECT id, tenant_id, at, ${outcome} FROM call`,
);

/** Ids are given in the order of the set, so that the place of a call finds its outcome. */
const recordSet = statement<'tenant' | 'calls'>(
  'record-set',
  `WITH given AS MATERIALIZED (
    SELECT * FROM ROWS FROM (jsonb_to_recordset($calls::jsonb) AS (direction text, system text, operation text,
      method text, path text, request uuid, identity uuid, actor text, parameters jsonb, result text, status smallint,
      error text, answer jsonb, duration_ms float8)) WITH ORDINALITY AS x (direction, system, operation, method, path,
      request, identity, actor, parameters, result, status, error, answer, duration_ms, place)
  ), call AS (
    INSERT INTO api_call (tenant_id, direction, system, operation, method, path, request_id, identity_id, actor, parameters)
    SELECT $tenant::uuid, direction, system, operation, method, path, request, identity, actor, parameters
    FROM given ORDER BY place RETURNING id, tenant_id, at
  ), placed AS (SELECT id, tenant_id, at, row_number() OVER (ORDER BY id) AS place FROM call)
  INSERT INTO api_call_outcome ${outcomeColumns}
  SELECT id, tenant_id, at, result, status, error, answer, duration_ms
  FROM placed JOIN given USING (place)`,
);

/** Parts of a WITH that record a change: one call for each row of `from`, with its `request` and `identity`. */
const recorded = ({ from, request, identity }: Record<'from' | 'request' | 'identity', string>) =>
  `call AS (${insertCallAbout(request, identity)} FROM ${from} RETURNING id, tenant_id, at),
  concluded AS (INSERT INTO api_call_outcome ${outcomeColumns} SELECT id, tenant_id, at, ${outcome} FROM call)`;
