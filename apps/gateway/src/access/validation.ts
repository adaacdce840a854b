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

/** Problems name this many fields at most. */
const fieldsNamed = 20;

/** Checks what a route's `@Body`, `@Query` or `@Param` took, by the schema given there. Throws `invalid_request`. */
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

/** `invalid_request` that names the fields at fault. */
export const invalidRequest = (fields: readonly FieldError[]) =>
  new FoyerError('invalid_request', undefined, { fields: fields.slice(0, fieldsNamed) });

/** The Idempotency-Key header, as it was given; null without one. Throws `invalid_request`. */
export function idempotencyKeyOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  const parsed = IdempotencyKey.safeParse(header);
  if (parsed.success) return parsed.data;
  throw invalidRequest(fieldErrorsOf(parsed.error, 'Idempotency-Key').slice(0, 1));
}

/** A query parameter given twice comes as a list, and `a[b]=` may come as an object. */
function refuseRepeated(query: unknown): void {
  const repeated = Object.entries(query ?? {}).filter(([, value]) => typeof value !== 'string');
  if (repeated.length > 0) {
    throw invalidRequest(
      repeated.map(([name]) => ({ field: toLine(name, 100), message: 'must be given once' })),
    );
  }
}

/** Refuses bodies that are not JSON: an undeclared one would go unread, and be taken for none. */
@Injectable()
export class JsonOnly implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    // `is` gives null when there is no body.
    if (request.is('application/json') === false) throw new FoyerError('unsupported_media_type');
    return true;
  }
}
