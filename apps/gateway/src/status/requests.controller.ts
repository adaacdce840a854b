import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { DeadLetters, Requests } from '@foyer/persistence';
import type { GatewayConfig } from '@foyer/platform';
import type { CallLog } from '@foyer/provisioning';
import {
  FoyerError,
  IdParams,
  isFinal,
  NewProvisioningRequest,
  NewRetries,
  NoBody,
  RequestListQuery,
  type Page,
  type ProvisioningRequest,
  type ProvisioningRequestSummary,
  type Retries,
} from '@foyer/shared';
import type { Request, Response } from 'express';
import { AccessGuard } from '../access/access.guard.ts';
import {
  Caller,
  OpenToSessions,
  ownRows,
  Scopes,
  type MachinePrincipal,
  type Principal,
} from '../access/principal.ts';
import { invalidRequest, JsonOnly, ValidationPipe } from '../access/validation.ts';
import { IntakeService } from '../intake/intake.service.ts';
import { Shutdown } from '../http/shutdown.ts';
import { CALL_LOG, CONFIG } from '../context.ts';
import { changeOf, intentOf, note } from '../access/call-notes.ts';
import { Recorded } from '../access/call-recorder.ts';
import { toClaim } from './idempotency.ts';
import { StatusReader } from './status-reader.ts';

const place = 'v1/provisioning-requests';

@Controller(place)
@UseGuards(AccessGuard)
@UsePipes(ValidationPipe)
export class RequestsController {
  constructor(
    private readonly intake: IntakeService,
    private readonly requests: Requests,
    private readonly reader: StatusReader,
    private readonly deadLetters: DeadLetters,
    private readonly shutdown: Shutdown,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(CALL_LOG) private readonly calls: CallLog,
  ) {}

  @Post()
  @Scopes('foyer.write')
  @UseGuards(JsonOnly)
  @Recorded('create_provisioning_request')
  async create(
    @Body({ schema: NewProvisioningRequest }) body: NewProvisioningRequest,
    @Headers('idempotency-key') key: string | undefined,
    @Caller() { clientId }: MachinePrincipal,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ProvisioningRequest> {
    const issuer = this.config.OKTA_ISSUER_URI;
    if (body.issuer !== undefined && body.issuer !== issuer) {
      throw invalidRequest([{ field: 'issuer', message: 'is not the issuer of this tenant' }]);
    }
    const person = { ...body, issuer };
    const claim = toClaim(clientId, key, person);
    note(req, {
      parameters: { issuer, subject: body.subject, username: body.username, ...(key && { key }) },
    });
    const change = changeOf(req, HttpStatus.ACCEPTED);
    const admission = await this.intake.admit(person, 'api', change, claim);
    const request =
      admission.kind === 'requested'
        ? (await this.requests.find(admission.requestId, {}))?.request
        : await this.requests.newest({ identityId: admission.identity.id });
    return answerWith(request, req, res);
  }

  @Get()
  @Scopes('foyer.read')
  @OpenToSessions()
  async list(
    @Query({ schema: RequestListQuery }) query: RequestListQuery,
    @Caller() caller: Principal,
  ): Promise<Page<ProvisioningRequestSummary>> {
    const { identityId } = ownRows(caller);
    if (identityId === undefined) return this.requests.list(query);
    const othersOnly = query.identityId !== undefined && query.identityId !== identityId;
    return othersOnly ? { items: [], nextCursor: null } : this.requests.list({ ...query, identityId });
  }

  @Get(':id')
  @Scopes('foyer.read')
  @OpenToSessions()
  read(
    @Param({ schema: IdParams }) { id }: IdParams,
    @Caller() caller: Principal,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ProvisioningRequest | undefined> {
    return this.reader.read(id, ownRows(caller), req, res);
  }

  /**
   * Retries all dead letters of a code. A shutdown ends it early with what was done so far, and the next call
   * continues.
   */
  @Post('retries')
  @HttpCode(HttpStatus.ACCEPTED)
  @Scopes('foyer.write')
  @UseGuards(JsonOnly)
  @Recorded('retry_provisioning_requests')
  async retryAll(
    @Body({ schema: NewRetries }) { errorCode }: NewRetries,
    @Req() req: Request,
  ): Promise<Retries> {
    note(req, { parameters: { errorCode } });
    // It makes several changes one after the other, so it is recorded before the first.
    const nobody = { requestId: null, identityId: null, lease: null };
    note(req, { openCall: await this.calls.intend(nobody, intentOf(req)) });
    const done = await this.deadLetters.retryAll(errorCode, () =>
      this.shutdown.signal.aborted ? 'stop' : 'go-on',
    );
    note(req, { answer: { ...done } });
    return done;
  }

  @Post(':id/retry')
  @Scopes('foyer.write')
  @Recorded('retry_provisioning_request')
  async retry(
    @Param({ schema: IdParams }) { id }: IdParams,
    @Body({ schema: NoBody }) _body: unknown,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ProvisioningRequest> {
    note(req, { requestId: id, parameters: { id } });
    const { requestId } = await this.intake.retry(id, changeOf(req, HttpStatus.ACCEPTED));
    return answerWith((await this.requests.find(requestId, {}))?.request, req, res);
  }
}

/** 202 while the request is in progress, 200 when it is done. */
function answerWith(
  request: ProvisioningRequest | null | undefined,
  req: Request,
  res: Response,
): ProvisioningRequest {
  if (!request) throw new FoyerError('internal_error');
  note(req, { requestId: request.id, identityId: request.identityId ?? undefined });
  res
    .status(isFinal(request.status) ? HttpStatus.OK : HttpStatus.ACCEPTED)
    .location(`/${place}/${request.id}`);
  return request;
}
