/** Addresses a fault can sit on, named alike for the org server and the custom server. */
export const ENDPOINTS = ['discovery', 'authorize', 'token', 'userinfo', 'keys', 'logout'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export const SERVERS = ['org', 'default'] as const;
export type Server = (typeof SERVERS)[number];

/** Where each kind of fault shows; undefined: wherever `endpoint` says, or anywhere. */
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
  /** How often it still strikes; null: until cleared. */
  times: number | null;
  server: Server;
  endpoint?: Endpoint;
  /** slow: how long the answer is held back, milliseconds. */
  delayMs: number;
  /** error: the HTTP status answered. */
  status: number;
  /** swappedAccessToken: the ID token keeps the at_hash of the token that was meant, or has none. */
  atHash: 'original' | 'missing';
}

/** The faults that were switched on and have not struck out yet. */
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

  /** The first fault of these kinds that fits, counted as struck once. */
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
