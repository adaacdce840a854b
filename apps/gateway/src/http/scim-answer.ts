import { ScimError, toScimErrorBody, type ScimType } from '@foyer/scim';
import { errorCatalog, FoyerError, type ErrorCode } from '@foyer/shared';
import type { Response } from 'express';

/** Those of our codes that RFC 7644, table 9, has a word for. */
const scimTypes: Partial<Record<ErrorCode, ScimType>> = { malformed_body: 'invalidSyntax' };

/** What a SCIM client is told of an error that is not of its protocol. */
export function toScimError({ code, detail }: FoyerError): ScimError {
  const { status, title } = errorCatalog[code];
  return new ScimError(status, scimTypes[code] ?? null, detail === undefined ? title : `${title}. ${detail}`);
}

/** Answers with the SCIM envelope (RFC 7644, section 3.12). */
export function sendScimError(res: Response, error: ScimError): void {
  res
    .status(error.status)
    .type('application/scim+json')
    .send(JSON.stringify(toScimErrorBody(error)));
}
