/** The calls to which a fault applies; an absent field matches any call. */
export interface FaultMatch {
  method?: string;
  /** A prefix of the path, or a regular expression when it starts with `^`. */
  path?: string;
  /** The `external_app_user_id` in the body or query, or that of the user in the path or As-User. */
  externalId?: string;
  clientId?: string;
}

/** The response; `retryAfter` is the header's value: seconds, or any text that a proxy may send. */
export interface FaultStatus {
  status: number;
  retryAfter?: number | string;
  code?: string;
  message?: string;
}

export type FaultEffect =
  /** The response is sent at once, and nothing is carried out. */
  | ({ kind: 'status' } & FaultStatus)
  /** The response is a proxy's HTML page, and nothing is carried out. */
  | { kind: 'html'; status: number }
  /** The connection is cut before the call is carried out. */
  | { kind: 'resetBefore' }
  /** The call is carried out, then the connection is cut. */
  | { kind: 'resetAfter' }
  /** The call is carried out, then the response has this status. */
  | ({ kind: 'statusAfter' } & FaultStatus)
  /** The call is carried out after a delay. */
  | { kind: 'slow'; delayMs: number }
  /** The call is carried out, and the response is delayed. */
  | { kind: 'slowAfter'; delayMs: number }
  /** There is no response, and nothing is carried out. */
  | { kind: 'hang' }
  /** The call is carried out; the JSON of a 2xx response is cut in half. */
  | { kind: 'damaged' };

export type FaultKind = FaultEffect['kind'];

export interface FaultRule {
  match: FaultMatch;
  /** To how many calls it applies; null means until cleared. */
  times: number | null;
  /** How many matching calls it skips first. */
  skip: number;
  /** Applies to the last of every so many matching calls; 1 applies to all. */
  every: number;
  effect: FaultEffect;
}

export interface Fault extends FaultRule {
  id: number;
  applied: number;
  /** Matching calls that were skipped since the last one to which it applied. */
  passed: number;
}

/** The properties of a call that faults can match; external ids are looked up only when a fault needs them. */
export interface FaultTarget {
  method: string;
  path: string;
  clientId: string | null;
  externalIds: () => string[];
}

/** The faults set over the control address, oldest first; at most one applies to a call. */
export class FaultList {
  #faults: Fault[] = [];
  #lastId = 0;

  add(rule: FaultRule): Fault {
    this.#lastId += 1;
    const fault = { ...rule, id: this.#lastId, applied: 0, passed: 0 };
    this.#faults.push(fault);
    return fault;
  }

  list(): Fault[] {
    return [...this.#faults];
  }

  clear(): void {
    this.#faults = [];
  }

  /** The effect that applies to this call, counted; a fault is removed after its last call. */
  take(target: FaultTarget): FaultEffect | null {
    for (const fault of this.#faults) {
      if (!matches(fault.match, target)) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      if (fault.passed + 1 < fault.every) {
        fault.passed += 1;
        continue;
      }
      fault.passed = 0;
      fault.applied += 1;
      if (fault.times !== null) fault.times -= 1;
      if (fault.times === 0) this.#faults = this.#faults.filter((other) => other !== fault);
      return fault.effect;
    }
    return null;
  }
}

function matches(match: FaultMatch, target: FaultTarget): boolean {
  if (match.method !== undefined && match.method !== target.method) return false;
  if (match.path !== undefined && !matchesPath(match.path, target.path)) return false;
  if (match.clientId !== undefined && match.clientId !== target.clientId) return false;
  return match.externalId === undefined || target.externalIds().includes(match.externalId);
}

const matchesPath = (pattern: string, path: string): boolean =>
  pattern.startsWith('^') ? new RegExp(pattern).test(path) : path.startsWith(pattern);
