import { HttpStatus } from '@nestjs/common';
import { ScimError } from '@foyer/scim';
import type { Request, Response } from 'express';

/**
 * Handles all other methods: throws 405 with the allowed ones, and answers OPTIONS with them (RFC 9110, sections 9.3.7
 * and 15.5.6).
 */
export function tellMethods(req: Request, res: Response, ...methods: readonly string[]): void {
  res.setHeader('allow', methods.join(', '));
  if (req.method !== 'OPTIONS')
    throw new ScimError(405, null, `This address supports only ${methods.join(', ')}.`);
  res.status(HttpStatus.NO_CONTENT);
}
