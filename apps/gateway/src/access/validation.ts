import {
  Injectable,
  type ArgumentMetadata,
  type CanActivate,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { fieldErrorsOf, FoyerError, IdempotencyKey, toLine, type FieldError } from '@foyer/shared';
import type { Request } from 'express';
import { z } from 'zod';

/** The most fields that one problem document names. */
const fieldsNamed = 20;

/** Validates a route's `@Body`, `@Query` or `@Param` against the given schema. Throws `invalid_request`. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { schema, type }: ArgumentMetadata): unknown {
    if (!(schema instanceof z.ZodType)) return value;
    if (type === 'query') refuseRepeated(value);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw invalidRequest(fieldErrorsOf(parsed.error, 'body'));
  }
}

/** An `invalid_request` error that names the invalid fields. */
export const invalidRequest = (fields: readonly FieldError[]) =>
  new FoyerError('invalid_request', undefined, { fields: fields.slice(0, fieldsNamed) });

/** The Idempotency-Key header, unchanged; null when absent. Throws `invalid_request`. */
export function idempotencyKeyOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  const parsed = IdempotencyKey.safeParse(header);
  if (parsed.success) return parsed.data;
  throw invalidRequest(fieldErrorsOf(parsed.error, 'Idempotency-Key').slice(0, 1));
}

/** A query parameter that is given twice arrives as a list, and `a[b]=` may arrive as an object. */
function refuseRepeated(query: unknown): void {
  const repeated = Object.entries(query ?? {}).filter(([, value]) => typeof value !== 'string');
  if (repeated.length > 0) {
    throw invalidRequest(
      repeated.map(([name]) => ({ field: toLine(name, 100), message: 'must be given once' })),
    );
  }
}

/** Refuses bodies that are not JSON: without this check they would stay unread and count as no body. */
@Injectable()
export class JsonOnly implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    // `is` returns null when there is no body.
    if (request.is('application/json') === false) throw new FoyerError('unsupported_media_type');
    return true;
  }
}
