import type { Allowance, BoxApp, BoxNotice, CallLog, CallOutcome } from '@foyer/provisioning';
import { parseJwtConfig } from './jwt-config.ts';

export type { BoxApp };

/** How Foyer authenticates to Box. `configJson`: the text of the file from Box's developer console. */
export type BoxAuth =
  | {
      readonly kind: 'ccg';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly enterpriseId: string;
    }
  | { readonly kind: 'jwt'; readonly configJson: string };

export interface BoxOptions {
  readonly auth: BoxAuth;
  /** An origin; default `https://api.box.com`. */
  readonly baseUrl?: string;
  readonly log: CallLog;
  /** The source of permits for calls without an allowance of their own; absent: no rate limit. */
  readonly allowance?: Allowance;
  /** The limit of one HTTP request including its body, in milliseconds; default 10 000. */
  readonly timeoutMs?: number;
  /** The most connections kept open to Box; further calls wait within `timeoutMs`. Default 50. */
  readonly maxConnections?: number;
  /** Called after every HTTP request is recorded. Must not throw. */
  readonly onCall?: (call: BoxCallReport) => void;
  /** Called when Box refuses or accepts our credentials, or our clock differs. Must not throw. */
  readonly onNotice?: (notice: BoxNotice) => void;
  /** When tokens end and how waits spread. Absent: the process's clock and chance; only a simulation has its own. */
  readonly chance?: Chance;
}

/** `now`: milliseconds of a monotonic clock. `random`: in [0, 1). */
export interface Chance {
  readonly now: () => number;
  readonly random: () => number;
}

/** One HTTP request, for metrics. `status` is null when no answer came. */
export interface BoxCallReport {
  readonly operation: BoxOperation;
  readonly status: number | null;
  readonly result: CallOutcome['result'];
  readonly durationMs: number;
}

export type BoxOperation =
  | 'create_user'
  | 'find_user'
  | 'read_user'
  | 'update_user'
  | 'delete_user'
  | 'list_users'
  | 'list_folder'
  | 'read_folder'
  | 'locate_content'
  | 'create_group'
  | 'find_group'
  | 'read_group'
  | 'update_group'
  | 'delete_group'
  | 'add_membership'
  | 'find_membership'
  | 'remove_membership'
  | 'list_memberships'
  | 'token';

/** The Box app that these credentials belong to. Throws BoxConfigError when the JWT configuration is invalid. */
export function boxAppOf(auth: BoxAuth): BoxApp {
  const { clientId, enterpriseId } = auth.kind === 'ccg' ? auth : parseJwtConfig(auth.configJson);
  return { clientId, enterpriseId };
}
