/** The error codes of an unavailable database or connection: PostgreSQL's SQLSTATEs, Prisma's codes, the socket's. */
const codes = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN'],
  ...['57P01', '57P02', '57P03', '57014', '53100', '53200', '53300', '55P03', '25P03', '25006'],
  ...['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1010', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037'],
]);

/** Prisma's driver adapter hides its error in `meta`, and has no code of its own for a raw query (P2010). */
const kinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections']);

/** Errors of pg and its pool that have no code. */
const messages =
  /Connection terminated|timeout exceeded when trying to connect|the database system is|Client has encountered a connection error|Query read timeout|Cannot use a pool after calling end|connection is closed/i;

/** True when the cause is one of our servers being unavailable, so that a retry may succeed. */
export function isUnavailable(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 5) return false;
  if (
    'code' in error &&
    typeof error.code === 'string' &&
    (codes.has(error.code) || error.code.startsWith('08'))
  ) {
    return true;
  }
  if ('kind' in error && typeof error.kind === 'string' && kinds.has(error.kind)) return true;
  if ('meta' in error && isUnavailable(error.meta, depth + 1)) return true;
  if ('driverAdapterError' in error && isUnavailable(error.driverAdapterError, depth + 1)) return true;
  if ('originalCode' in error && isUnavailable({ code: error.originalCode }, depth + 1)) return true;
  if ('name' in error && error.name === 'PrismaClientInitializationError') return true;
  if (error instanceof Error && messages.test(error.message)) return true;
  if (error instanceof AggregateError) return error.errors.some((inner) => isUnavailable(inner, depth + 1));
  return 'cause' in error && isUnavailable(error.cause, depth + 1);
}
