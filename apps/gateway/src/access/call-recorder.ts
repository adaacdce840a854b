import {
  Inject,
  Injectable,
  SetMetadata,
  UseInterceptors,
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { toPlainError, toProblem, type Logger } from '@foyer/platform';
import type { CallLog, CallOutcome } from '@foyer/provisioning';
import { ScimError } from '@foyer/scim';
import { FoyerError } from '@foyer/shared';
import type { Request, Response } from 'express';
import { catchError, concatMap, from, map, throwError, type Observable } from 'rxjs';
import { isFault } from '../http/fault.ts';
import { CALL_LOG, LOGGER } from '../context.ts';
import { durationOf, intentOf, noteCall, notesOf } from './call-notes.ts';
import { ReadRecords } from './read-records.ts';

const OPERATION = Symbol('operation');

interface Operation {
  readonly name: string;
  /** The call changes nothing, however it ends. */
  readonly isRead: boolean;
}

/**
 * Writes each `@Recorded` call to the audit log before the response is sent: caller, operation and outcome. A call that
 * changes desired state was already recorded in the transaction of its change; a refusal, or a fault after the change,
 * is recorded here. A call that cannot be recorded gets `unavailable`, so that the client retries. A `@RecordedRead`
 * call is recorded shortly after, together with others.
 */
@Injectable()
export class CallRecorder implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    @Inject(CALL_LOG) private readonly calls: CallLog,
    private readonly reads: ReadRecords,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { name, isRead } = this.reflector.get<Operation>(OPERATION, context.getHandler());
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    noteCall(request, name);
    const record = (status: number, error: string | null) => {
      const result = status < 400 ? 'ok' : isFault(status) ? 'failed' : 'refused';
      const { answer = null } = notesOf(request);
      const outcome = { result, status, error, answer, durationMs: durationOf(request) } as const;
      return isRead ? this.recordRead(request, outcome) : this.record(request, outcome);
    };
    return next.handle().pipe(
      catchError((error: unknown) => {
        const { status, code } = refusalOf(error);
        return from(record(status, code)).pipe(concatMap(() => throwError(() => error)));
      }),
      concatMap((answer) => from(record(response.statusCode, null)).pipe(map(() => answer as unknown))),
    );
  }

  private async recordRead(request: Request, outcome: CallOutcome): Promise<void> {
    const { requestId = null, identityId = null } = notesOf(request);
    const context = { requestId, identityId, lease: null };
    if (!this.reads.add({ context, intent: intentOf(request), outcome })) await this.record(request, outcome);
  }

  private async record(request: Request, outcome: CallOutcome): Promise<void> {
    const { requestId = null, identityId = null, isOnRecord, openCall } = notesOf(request);
    if (isOnRecord && outcome.result === 'ok') return;
    const intent = intentOf(request);
    try {
      if (openCall === undefined)
        await this.calls.record({ requestId, identityId, lease: null }, intent, outcome);
      else await this.calls.conclude(openCall, outcome);
    } catch (cause) {
      this.logger.error({
        event: 'call-not-recorded',
        operation: intent.operation,
        err: toPlainError(cause),
      });
      throw new FoyerError('unavailable', 'The call could not be recorded.', {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }
}

const refusalOf = (error: unknown): { readonly status: number; readonly code: string } =>
  error instanceof ScimError
    ? { status: error.status, code: error.scimType ?? `scim_${error.status}` }
    : toProblem(error);

const recorded = (operation: Operation) =>
  applyDecorators(SetMetadata(OPERATION, operation), UseInterceptors(CallRecorder));

/** Records the calls of this route in the audit log, under this name. */
export const Recorded = (name: string) => recorded({ name, isRead: false });

/** As `Recorded`, for a route that changes nothing. */
export const RecordedRead = (name: string) => recorded({ name, isRead: true });
