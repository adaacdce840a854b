/** Which calls a fault meets; what is left out matches anything. */
export interface FaultMatch {
  method?: string;
  /** A prefix of the path, or a regular expression when it starts with `^`. */
  path?: string;
  /** `external_app_user_id` of the body or query, or of the user the path or As-User names. */
  externalId?: string;
  clientId?: string;
}

/** What is answered; `retryAfter` is the header's value: seconds, or whatever a proxy writes there. */
export interface FaultStatus {
  status: number;
  retryAfter?: number | string;
  code?: string;
  message?: string;
}

export type FaultEffect =
  /** Answered at once, nothing is done. */
  | ({ kind: 'status' } & FaultStatus)
  /** An HTML page of a proxy, nothing is done. */
  | { kind: 'html'; status: number }
  /** The connection is cut; nothing was done. */
  | { kind: 'resetBefore' }
  /** The work is done, then the connection is cut. */
  | { kind: 'resetAfter' }
  /** The work is done, then this status is answered. */
  | ({ kind: 'statusAfter' } & FaultStatus)
  /** Waits, then does the work. */
  | { kind: 'slow'; delayMs: number }
  /** Does the work, then waits before it answers. */
  | { kind: 'slowAfter'; delayMs: number }
  /** Never answers, nothing is done. */
  | { kind: 'hang' }
  /** The work is done; a 2xx answer's JSON is cut in half. */
  | { kind: 'damaged' };

export type FaultKind = FaultEffect['kind'];

export interface FaultRule {
  match: FaultMatch;
  /** How many calls it meets; null means until cleared. */
  times: number | null;
  /** How many matching calls it lets pass first. */
  skip: number;
  /** Meets one of so many matching calls, the last of each row; 1 meets all. */
  every: number;
  effect: FaultEffect;
}

export interface Fault extends FaultRule {
  id: number;
  applied: number;
  /** Matching calls that it let pass since the last one it met. */
  passed: number;
}

/** What of a call a fault can be matched against; external ids are looked up only when a fault asks. */
export interface FaultTarget {
  method: string;
  path: string;
  clientId: string | null;
  externalIds: () => string[];
}

/** The faults set over the control address, oldest first; a call meets at most one. */
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

  /** The effect this call meets, counted; a fault that has met its calls is gone. */
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
