import { emptyAnswer, jsonAnswer, type Answer } from './wire.ts';

/** A refusal by Box: thrown by handlers, turned into a response at the edge. */
export class Refusal extends Error {
  readonly answerFor: (requestId: string) => Answer;

  constructor(message: string, answerFor: (requestId: string) => Answer) {
    super(message);
    this.answerFor = answerFor;
  }
}

const helpUrl = 'http://developers.box.com/docs/#errors';

/** Box's ClientError envelope (OpenAPI schema ClientError). */
export function clientError(
  status: number,
  code: string,
  message: string,
  contextInfo?: object,
  headers: Record<string, string> = {},
): Refusal {
  return new Refusal(message, (requestId) =>
    jsonAnswer(
      status,
      {
        type: 'error',
        status,
        code,
        ...(contextInfo && { context_info: contextInfo }),
        help_url: helpUrl,
        message,
        request_id: requestId,
      },
      headers,
    ),
  );
}

/** An OAuth refusal (RFC 6749, 5.2): HTTP 400 and not the ClientError envelope. */
export function oauthError(error: string, description: string): Refusal {
  return new Refusal(description, () => jsonAnswer(400, { error, error_description: description }));
}

/** A refusal without a body. */
export function bareRefusal(status: number, why: string, headers: Record<string, string> = {}): Refusal {
  return new Refusal(why, () => emptyAnswer(status, headers));
}

export interface ParameterProblem {
  reason: 'missing_parameter' | 'invalid_parameter';
  name: string;
  message: string;
}

export function badParameters(problems: ParameterProblem[]): Refusal {
  return clientError(400, 'bad_request', 'Bad Request', { errors: problems });
}

export function badParameter(name: string, value: unknown, rule: string): ParameterProblem {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return { reason: 'invalid_parameter', name, message: `Invalid value '${shown.slice(0, 200)}'. ${rule}` };
}

export function missingParameter(name: string): ParameterProblem {
  return { reason: 'missing_parameter', name, message: `'${name}' is required` };
}

export function notFound(kind: string, id: string): Refusal {
  const problem = badParameter(kind, id, `'${kind}' with value '${id}' not found`);
  return clientError(404, 'not_found', 'Not Found', { errors: [problem] });
}

export const accessDenied = (): Refusal =>
  clientError(403, 'access_denied_insufficient_permissions', 'Access denied - insufficient permission');

export const insufficientScope = (): Refusal =>
  clientError(
    403,
    'insufficient_scope',
    'The request requires higher privileges than provided by the access token.',
  );

export const deactivated = (): Refusal =>
  clientError(401, 'unauthorized', 'Unauthorized - User has been deactivated');

/** The code and message of Box's common-errors page for a status; used by configured faults. */
export function commonError(status: number): { code: string; message: string } {
  return (
    common.get(status) ?? { code: status >= 500 ? 'internal_server_error' : 'bad_request', message: 'Error' }
  );
}

const common = new Map([
  [400, { code: 'bad_request', message: 'Bad Request' }],
  [401, { code: 'unauthorized', message: 'Unauthorized' }],
  [
    403,
    { code: 'access_denied_insufficient_permissions', message: 'Access denied - insufficient permission' },
  ],
  [404, { code: 'not_found', message: 'Not Found' }],
  [405, { code: 'method_not_allowed', message: 'Method Not Allowed' }],
  [409, { code: 'conflict', message: 'A resource with this value already exists' }],
  [412, { code: 'precondition_failed', message: 'Precondition Failed' }],
  [429, { code: 'rate_limit_exceeded', message: 'Request rate limit exceeded, please try again later' }],
  [500, { code: 'internal_server_error', message: 'Internal Server Error' }],
  [502, { code: 'bad_gateway', message: 'Bad Gateway' }],
  [503, { code: 'unavailable', message: 'Unavailable' }],
]);
