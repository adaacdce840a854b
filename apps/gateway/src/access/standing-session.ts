import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { FoyerError } from '@foyer/shared';
import type { Request } from 'express';
import { catchError, concatMap, from, map, throwError, type Observable } from 'rxjs';
import { Sessions } from '../sessions/sessions.ts';

/**
 * Checks a person's session again when the response is ready. Data read before this check belongs to the session's
 * owner; when the session has ended meanwhile, or its identity belongs to another person now, none of it is sent.
 */
@Injectable()
export class StandingSession implements NestInterceptor {
  constructor(private readonly sessions: Sessions) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const req = context.switchToHttp().getRequest<Request>();
    if (req.principal?.kind !== 'session') return next.handle();
    return next.handle().pipe(
      concatMap((answer: unknown) => this.check(req, answer)),
      catchError((error: unknown) => this.check(req, null).pipe(concatMap(() => throwError(() => error)))),
    );
  }

  private check<T>(req: Request, answer: T): Observable<T> {
    return from(this.sessions.isStanding(req)).pipe(
      map((isStanding) => {
        if (!isStanding) throw new FoyerError('unauthenticated');
        return answer;
      }),
    );
  }
}
