/** One request of the twin and its response, without the token and without passwords. */
export interface Exchange {
  at: string;
  method: string;
  /** Path and query below the base URL, as sent. */
  path: string;
  headers: Record<string, string>;
  body: unknown;
  /** Null when there was no response. */
  status: number | null;
  answerHeaders: Record<string, string>;
  /** Parsed when it is JSON, else the text. */
  answer: unknown;
  ms: number;
}

const HIDDEN = '[redacted]';
const LONGEST = 64 * 1024;

/**
 * The recorded form of a body: JSON as such, shortened when it is very long, with each secret removed wherever it is.
 */
export function kept(text: string, secrets: readonly string[]): unknown {
  if (text === '') return null;
  const clean = secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  if (clean.length > LONGEST) return `${clean.slice(0, 1000)}… (${String(clean.length)} characters)`;
  return withoutPasswords(parsed(clean) ?? clean);
}

/** The value of a JSON text, or undefined. */
export function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutPasswords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPasswords);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [
      name,
      name.toLowerCase() === 'password' ? HIDDEN : withoutPasswords(held),
    ]),
  );
}
