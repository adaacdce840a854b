import { RateLimiter, limitsOf, unlimitedBudget, type Budget, type BudgetNews } from '@foyer/provisioning';
import { BoxBudgetStore, type BoxServiceAccount } from './box-budget-store.ts';
import type { Database } from '../database/database.ts';

export interface BoxBudget extends Budget {
  /** The state of the shared bucket, for the metrics; null without a limit. */
  look(): Promise<{ readonly level: number; readonly pausedMs: number } | null>;
}

/**
 * The rate limiter of a Box service account, shared by every process that opens it on this database. `callsPerMinute`:
 * at least 10, the same everywhere; 0: no limit, and the store is not used. `tell` must not throw.
 */
export function openBoxBudget(
  database: Database,
  account: BoxServiceAccount,
  callsPerMinute: number,
  tell: (news: BudgetNews) => void = () => {},
): BoxBudget {
  if (callsPerMinute === 0) return { ...unlimitedBudget(tell), look: async () => null };
  const limits = limitsOf(callsPerMinute);
  const store = new BoxBudgetStore(database, account, limits);
  const limiter = new RateLimiter({ store, limits, tell });
  return { permits: (urgency, limitMs) => limiter.permits(urgency, limitMs), look: () => store.look() };
}
