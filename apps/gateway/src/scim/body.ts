import { ScimError } from '@foyer/scim';
import { FoyerError } from '@foyer/shared';
import express, { type Request, type RequestHandler } from 'express';
import { checkCharset, MalformedJson, parseJson } from '../http/json-body.ts';

/** The largest body, in bytes: a group of 20 000 members fits. */
export const SCIM_BODY_LIMIT = 5 * 1024 * 1024;

/**
 * Reads the bodies of SCIM calls as bytes, so that invalid JSON is refused only where the call can be recorded, and
 * invalid UTF-8 is always refused. Okta sends application/scim+json with a charset; its test suite sends
 * application/json.
 */
export const scimBody: RequestHandler = express.raw({
  limit: SCIM_BODY_LIMIT,
  type: ['application/scim+json', 'application/json'],
});

/** Throws ScimError 400 `invalidSyntax`, and `unsupported_media_type` for any type but JSON. */
export function bodyOf(req: Request): unknown {
  const bytes: unknown = req.body;
  const type = req.get('content-type') ?? '';
  checkCharset(type);
  if (!Buffer.isBuffer(bytes)) {
    if (req.get('content-type') === undefined) throw noJson;
    throw new FoyerError('unsupported_media_type', 'Send application/scim+json.');
  }
  const body = parsed(bytes);
  // None of our resources has as many attributes, and processing a hundred thousand of them blocks the event loop for
  // all callers.
  if (typeof body === 'object' && body !== null && Object.keys(body).length > MOST_ATTRIBUTES)
    throw new ScimError(400, 'invalidSyntax', `The body has more than ${MOST_ATTRIBUTES} attributes.`);
  return body;
}

const MOST_ATTRIBUTES = 1_000;

function parsed(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (!(error instanceof MalformedJson)) throw error;
    throw new ScimError(400, 'invalidSyntax', error.message);
  }
}

const noJson = new ScimError(400, 'invalidSyntax', 'The body must be a JSON object in UTF-8.');
