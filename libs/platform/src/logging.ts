import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Whatever these keys hold, at any of the first levels, never reaches a log. */
const secretKeys = [
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
  'code',
  'code_verifier',
  'connectionString',
];

/** One JSON line per event on standard output. An error is logged as its type, message and stack: never as a whole object. */
export function createLogger(app: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { app },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secretKeys.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]),
        censor: '[redacted]',
      },
      serializers: { err: toPlainError, error: toPlainError },
    },
    destination,
  );
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

/** The parts of an error that are safe to keep; SDK errors carry tokens and secrets in their other fields. */
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
