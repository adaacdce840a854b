/** One API call; `status` is null until it is answered, and stays null when the connection was cut. */
export interface CallRecord {
  seq: number;
  at: string;
  method: string;
  path: string;
  query: Record<string, string>;
  asUser: string | null;
  /** The app and the user of the call, once known. */
  clientId: string | null;
  userId: string | null;
  /** The body without secrets; text that is neither JSON nor a form is left out. */
  body: unknown;
  status: number | null;
  end: 'pending' | 'answered' | 'cut';
  fault: string | null;
  requestId: string;
  /** Milliseconds of the twin's own work, without configured delays. */
  workMs: number;
}

const kept = 20_000;
const secrets = ['client_secret', 'assertion', 'subject_token', 'token', 'refresh_token', 'code'];

/** The latest calls, in order of arrival. */
export class CallLog {
  #calls: CallRecord[] = [];
  #seq = 0;
  dropped = 0;

  open(given: Pick<CallRecord, 'method' | 'path' | 'query' | 'asUser' | 'body' | 'requestId'>): CallRecord {
    this.#seq += 1;
    const call: CallRecord = {
      seq: this.#seq,
      at: new Date().toISOString(),
      ...given,
      clientId: null,
      userId: null,
      status: null,
      end: 'pending',
      fault: null,
      workMs: 0,
    };
    this.#calls.push(call);
    if (this.#calls.length >= 2 * kept) {
      this.dropped += this.#calls.length - kept;
      this.#calls = this.#calls.slice(-kept);
    }
    return call;
  }

  /** Calls with a number above `since`. */
  list(since = 0): CallRecord[] {
    return this.#calls.filter((call) => call.seq > since);
  }

  clear(): void {
    this.#calls = [];
    this.dropped = 0;
  }
}

/** A body without secrets: JSON, or the fields of an expected form; null for any other text. */
export function redactBody(body: string, isForm: boolean): unknown {
  if (body === '') return null;
  if (isForm) return redactFields(Object.fromEntries(new URLSearchParams(body)));
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? redactFields({ ...value })
      : value;
  } catch {
    return null;
  }
}

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name of secrets) if (name in fields) fields[name] = '[redacted]';
  return fields;
}
