import type { Allowance, BoxApp, BoxNotice, CallLog, CallOutcome } from '@foyer/provisioning';
import { parseJwtConfig } from './jwt-config.ts';

export type { BoxApp };

/** How Foyer proves to Box which app it is. `configJson`: the text of the file that Box's developer console hands out. */
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
  /** An origin; `https://api.box.com` when left out. */
  readonly baseUrl?: string;
  readonly log: CallLog;
  /** What calls are paid from that bring no allowance of their own; without one they are not counted. */
  readonly allowance?: Allowance;
  /** The longest one HTTP request may take, its body included, in milliseconds; 10 000 when left out. */
  readonly timeoutMs?: number;
  /** Connections kept open to Box at most; further calls wait their turn within `timeoutMs`. 50 when left out. */
  readonly maxConnections?: number;
  /** Hears of every HTTP request, after it is on record. Must not throw. */
  readonly onCall?: (call: BoxCallReport) => void;
  /** Hears what Box says of our credentials and our clock. Must not throw. */
  readonly onNotice?: (notice: BoxNotice) => void;
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

/** Says which Box app these credentials are for. Throws BoxConfigError when the JWT configuration is not valid. */
export function boxAppOf(auth: BoxAuth): BoxApp {
  const { clientId, enterpriseId } = auth.kind === 'ccg' ? auth : parseJwtConfig(auth.configJson);
  return { clientId, enterpriseId };
}
