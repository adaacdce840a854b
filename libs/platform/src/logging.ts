import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** The values of these keys are never logged. */
const secretKeys = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'clientSecret',
  'client_secret',
  'access_token',
  'accessToken',
  'id_token',
  'idToken',
  'refresh_token',
  'assertion',
  'code_verifier',
  'connectionString',
]);

/** Deeper than any of our events; what is nested deeper is cut off, not written without redaction. */
const MAX_DEPTH = 4;

/**
 * One JSON line per event on standard output. An error is logged as its type, message and stack, never as a whole
 * object.
 */
export function createLogger(app: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { app },
      timestamp: pino.stdTimeFunctions.isoTime,
      // `formatters.log` has already converted errors, and pino's own serializer would convert them again.
      serializers: { err: (plain: unknown) => plain },
      formatters: { level: (label) => ({ level: label }), log: (event) => redact(event, 0) },
    },
    destination,
  );
}

/** Our own traversal, because pino's path-based redaction takes a quarter of the time of a small response. */
function redact(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields))
    safe[key] = secretKeys.has(key) ? '[redacted]' : redactValue(value, depth);
  return safe;
}

const hasOwnText = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function';

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return toPlainError(value);
  // A Date or a URL: an object without fields that has a text form.
  if (hasOwnText(value)) return redactValue(value.toJSON(), depth + 1);
  if (depth === MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  return redact(value as Record<string, unknown>, depth + 1);
}

interface PlainError {
  type: string;
  message: string;
  stack?: string | undefined;
  code?: unknown;
  cause?: PlainError;
}

/** Messages of drivers may quote a connection address with its password. */
const withoutPasswords = (text: string): string => text.replace(/\/\/[^/\s:@]*:[^/\s@]*@/g, '//[redacted]@');

/** The fields of an error that are safe to log; SDK errors contain tokens and secrets in their other fields. */
export function toPlainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutPasswords(String(error)) };
  return {
    type: error.name,
    message: withoutPasswords(error.message),
    stack: error.stack && withoutPasswords(error.stack),
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause !== undefined && depth < 3 ? { cause: toPlainError(error.cause, depth + 1) } : {}),
  };
}

/** For a part of the process that no caller waits for: each of its errors becomes a line of the log. */
export const errorReporter =
  (logger: Pick<Logger, 'warn'>) =>
  (part: string) =>
  (error: Error): void =>
    logger.warn({ event: 'part-error', part, err: toPlainError(error) });
