import { text, type Request, type RequestHandler } from 'express';

/** Reads a form-encoded body as text, for `formOf`; 64 KiB at most. */
export const readForm: RequestHandler = text({ type: 'application/x-www-form-urlencoded', limit: '64kb' });

/** The fields of a form-encoded body read by `readForm`; empty for any other body. */
export function formOf(req: Request): URLSearchParams {
  const body: unknown = req.body;
  return new URLSearchParams(typeof body === 'string' ? body : '');
}

/** The query's fields. */
export function queryOf(req: Request): URLSearchParams {
  return new URL(req.url, 'http://twin.invalid').searchParams;
}
