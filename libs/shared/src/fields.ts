import type { z } from 'zod';
import type { FieldError } from './errors.ts';
import { toLine } from './text.ts';

/**
 * The errors that a schema found, one per field. `whole` is the field name for errors about the whole value. Values are
 * never quoted.
 */
export const fieldErrorsOf = (error: z.ZodError, whole: string): FieldError[] =>
  error.issues.flatMap((issue) => toFieldErrors(issue, whole));

function toFieldErrors(issue: z.core.$ZodIssue, whole: string): FieldError[] {
  const at = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...at, toLine(key, 100)].join('.'), message: 'is not known' }));
  }
  return [{ field: at.join('.') || whole, message: issue.message }];
}
