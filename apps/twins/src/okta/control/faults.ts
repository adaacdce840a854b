/** The endpoints at which a fault can occur, with the same names for the org server and the custom server. */
export const ENDPOINTS = ['discovery', 'authorize', 'token', 'userinfo', 'keys', 'logout'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export const SERVERS = ['org', 'default'] as const;
export type Server = (typeof SERVERS)[number];

/** The endpoint of each kind of fault; undefined: the one in `endpoint`, or any. */
export const FAULT_ENDPOINT = {
  slow: undefined,
  error: undefined,
  wrongNonce: 'token',
  badSignature: 'token',
  algNone: 'token',
  wrongAudience: 'token',
  wrongIssuer: 'token',
  expired: 'token',
  futureIat: 'token',
  swappedAccessToken: 'token',
  missingSub: 'token',
  wrongAzp: 'token',
  multiAudience: 'token',
  untrustedAudience: 'token',
  userinfoOtherSub: 'userinfo',
  issInResponse: 'authorize',
  wrongIssInResponse: 'authorize',
} as const satisfies Record<string, Endpoint | undefined>;
export type FaultKind = keyof typeof FAULT_ENDPOINT;

export interface Fault {
  id: number;
  kind: FaultKind;
  /** How many more times it occurs; null: until cleared. */
  times: number | null;
  server: Server;
  endpoint?: Endpoint;
  /** slow: the delay of the response, in milliseconds. */
  delayMs: number;
  /** error: the HTTP status of the response. */
  status: number;
  /** swappedAccessToken: the ID token keeps the at_hash of the intended token, or has none. */
  atHash: 'original' | 'missing';
}

/** The active faults. */
export class Faults {
  #active: Fault[] = [];
  #nextId = 1;

  list(): Fault[] {
    return this.#active.map((fault) => ({ ...fault }));
  }

  add(fault: Omit<Fault, 'id'>): Fault {
    const added = { ...fault, id: this.#nextId++ };
    this.#active.push(added);
    return { ...added };
  }

  clear(): void {
    this.#active = [];
  }

  /** The first matching fault of these kinds, counted as one occurrence. */
  strike(kinds: readonly FaultKind[], endpoint: Endpoint, server: Server = 'org'): Fault | undefined {
    const fault = this.#active.find(
      (candidate) =>
        kinds.includes(candidate.kind) &&
        candidate.server === server &&
        (candidate.endpoint === undefined || candidate.endpoint === endpoint),
    );
    if (fault && fault.times !== null && --fault.times <= 0) {
      this.#active = this.#active.filter((candidate) => candidate !== fault);
    }
    return fault;
  }
}
