import { docsOf, errorCatalog, FoyerError, type ErrorCode, type Problem } from '@foyer/shared';

/**
 * RFC 9457 problem details for an error. An error outside the closed list becomes `internal_error`, without its
 * message.
 */
export function toProblem(error: unknown, instance?: string): Problem {
  const known = error instanceof FoyerError ? error : new FoyerError('internal_error');
  const { title, status } = errorCatalog[known.code];
  return {
    type: docsOf(known.code),
    title,
    status,
    code: known.code,
    ...(known.detail === undefined ? {} : { detail: known.detail }),
    ...(instance === undefined ? {} : { instance }),
    ...(known.fields.length === 0 ? {} : { errors: [...known.fields] }),
  };
}

/** Errors of Express and body-parser, as errors of the closed list; null for anything else. */
export function fromHttpError(error: unknown): FoyerError | null {
  if (typeof error !== 'object' || error === null || !('status' in error) || typeof error.status !== 'number')
    return null;
  const code = codeOfStatus(error.status);
  return code && new FoyerError(code, undefined, { cause: error });
}

function codeOfStatus(status: number): ErrorCode | null {
  switch (status) {
    case 400:
      return 'malformed_body';
    case 404:
    case 405:
      return 'not_found';
    case 413:
      return 'body_too_large';
    case 415:
      return 'unsupported_media_type';
    default:
      return status >= 400 && status < 500 ? 'invalid_request' : null;
  }
}
