import type { z } from 'zod';
import type { FieldError } from './errors.ts';
import { toLine } from './text.ts';

/** What a schema found wrong, field by field; `whole` names what has no field of its own. Values are never quoted. */
export const fieldErrorsOf = (error: z.ZodError, whole: string): FieldError[] =>
  error.issues.flatMap((issue) => toFieldErrors(issue, whole));

function toFieldErrors(issue: z.core.$ZodIssue, whole: string): FieldError[] {
  const at = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...at, toLine(key, 100)].join('.'), message: 'is not known' }));
  }
  return [{ field: at.join('.') || whole, message: issue.message }];
}
