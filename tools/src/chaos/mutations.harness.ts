import type {
  CallContext,
  CallIntent,
  CallLog,
  CallOutcome,
  ConvergenceStore,
  Taken,
} from '@foyer/provisioning';
import type { HouseOptions } from './house.ts';

/** A guard taken away. `matches` counts how often the mutation had something to change: one that never has proves nothing. */
export interface Mutation {
  readonly house: Omit<HouseOptions, 'server'>;
  readonly matches: () => number;
}

/** Whether somebody is known is looked up, and nothing refuses the second of two who looked at once. */
export function withoutUniqueIdentity(): Mutation {
  let matched = 0;
  const upsert =
    /VALUES \((\$\d+)::uuid, (\$\d+), (\$\d+), (.*)\)\s+ON CONFLICT \(tenant_id, issuer, subject\)[\s\S]*$/;
  const insert = (_all: string, tenant: string, issuer: string, subject: string, rest: string): string => {
    matched += 1;
    return `SELECT ${tenant}::uuid, ${issuer}::text, ${subject}::text, ${rest} WHERE NOT EXISTS (
      SELECT FROM identity WHERE tenant_id = ${tenant}::uuid AND issuer = ${issuer} AND subject = ${subject})`;
  };
  return {
    house: {
      damage: `DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'identity'::regclass AND contype = 'u'
          AND pg_get_constraintdef(oid) = 'UNIQUE (tenant_id, issuer, subject)'
        LOOP EXECUTE format('ALTER TABLE identity DROP CONSTRAINT %I', c.conname); END LOOP;
      END $$`,
      sabotage: {
        rewrite: (text) => text.replace(upsert, insert),
      },
    },
    matches: () => matched,
  };
}

/** Writes go through whoever holds the lease. */
export function withoutFence(): Mutation {
  let matched = 0;
  const fence = /lease_token = (\$\d+)(?:::bigint)?\s+AND lease_expires_at > clock_timestamp\(\)/g;
  return {
    house: {
      sabotage: {
        rewrite: (text) =>
          text.replace(fence, (_all, token: string) => {
            matched += 1;
            return `${token}::bigint IS NOT NULL`;
          }),
      },
    },
    matches: () => matched,
  };
}

/** What a worker is told when it takes a request up is changed by `change`, which gives null for what it leaves alone. */
function withTaken(change: (taken: Taken) => Taken | null): Mutation {
  let matched = 0;
  const store = (real: ConvergenceStore): ConvergenceStore => ({
    take: async (requestId) => {
      const result = await real.take(requestId);
      const taken = result.kind === 'taken' ? change(result.taken) : null;
      if (result.kind !== 'taken' || taken === null) return result;
      matched += 1;
      return { ...result, taken };
    },
    noteWait: (...args) => real.noteWait(...args),
    saveAccount: (...args) => real.saveAccount(...args),
    markMissing: (...args) => real.markMissing(...args),
    restoreAccount: (...args) => real.restoreAccount(...args),
    forgetAccount: (...args) => real.forgetAccount(...args),
    succeed: (...args) => real.succeed(...args),
    fail: (...args) => real.fail(...args),
    retry: (...args) => real.retry(...args),
    handBack: (...args) => real.handBack(...args),
  });
  return { house: { sabotage: { store } }, matches: () => matched };
}

/** A create that may have worked is taken for one that was never sent. */
export const withoutLookUp = (): Mutation =>
  withTaken((taken) => (taken.lastCreate === 'unsettled' ? { ...taken, lastCreate: null } : null));

/** The mapping is taken for what Box has, although an update that it does not tell of may have worked. */
export const withoutDoubt = (): Mutation =>
  withTaken((taken) =>
    taken.account?.isUncertain ? { ...taken, account: { ...taken.account, isUncertain: false } } : null,
  );

/** A create is put on record when it is over, in one piece. */
export function withoutIntentFirst(): Mutation {
  let matched = 0;
  const log = (real: CallLog): CallLog => {
    const begun = new Map<string, { context: CallContext; intent: CallIntent }>();
    return {
      intend: async (context, intent) => {
        if (intent.operation !== 'create_user') return real.intend(context, intent);
        matched += 1;
        const id = `late ${matched}`;
        begun.set(id, { context, intent });
        return id;
      },
      conclude: (id: string, outcome: CallOutcome) => {
        const late = begun.get(id);
        return late ? real.record(late.context, late.intent, outcome) : real.conclude(id, outcome);
      },
      record: (...args) => real.record(...args),
    };
  };
  return { house: { sabotage: { log } }, matches: () => matched };
}
