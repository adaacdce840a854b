import { ScimError, toScimErrorBody, type ScimType } from '@foyer/scim';
import { errorCatalog, FoyerError, type ErrorCode } from '@foyer/shared';
import type { Response } from 'express';

/** Our error codes for which RFC 7644, table 9, has a `scimType`. */
const scimTypes: Partial<Record<ErrorCode, ScimType>> = { malformed_body: 'invalidSyntax' };

/** An error outside the SCIM protocol, as a SCIM client receives it. */
export function toScimError({ code, detail }: FoyerError): ScimError {
  const { status, title } = errorCatalog[code];
  return new ScimError(status, scimTypes[code] ?? null, detail === undefined ? title : `${title}. ${detail}`);
}

/** Responds with the SCIM error envelope (RFC 7644, section 3.12). */
export function sendScimError(res: Response, error: ScimError): void {
  res
    .status(error.status)
    .type('application/scim+json')
    .send(JSON.stringify(toScimErrorBody(error)));
}
