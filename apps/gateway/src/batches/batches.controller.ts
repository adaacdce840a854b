import {
  Controller,
  Get,
  Headers,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { Batches } from '@foyer/persistence';
import {
  BatchListQuery,
  FoyerError,
  IdParams,
  NewBatchQuery,
  type BatchForecast,
  type Page,
  type ProvisioningBatch,
  type ProvisioningBatchStatus,
} from '@foyer/shared';
import type { Request, Response } from 'express';
import { AccessGuard } from '../access/access.guard.ts';
import { note } from '../access/call-notes.ts';
import { Recorded } from '../access/call-recorder.ts';
import { endUnread } from '../http/slow-clients.ts';
import { Caller, Scopes, type MachinePrincipal } from '../access/principal.ts';
import { idempotencyKeyOf, ValidationPipe } from '../access/validation.ts';
import { BatchForecaster } from './batch-forecaster.ts';
import { BatchReceiver } from './batch-receiver.ts';

const place = 'v1/provisioning-batches';

/** The earliest useful time to poll again, in seconds: counting a large batch takes a moment. */
const ASK_AGAIN_S = '2';
/** The most failures that the response to an upload lists. */
const firstFailures = BatchListQuery.parse({});

@Controller(place)
@UseGuards(AccessGuard)
@UsePipes(ValidationPipe)
export class BatchesController {
  constructor(
    private readonly receiver: BatchReceiver,
    private readonly forecaster: BatchForecaster,
    private readonly batches: Batches,
  ) {}

  @Post()
  @Scopes('foyer.write')
  @Recorded('create_provisioning_batch')
  async create(
    @Query({ schema: NewBatchQuery }) { dryRun }: NewBatchQuery,
    @Headers('idempotency-key') header: string | undefined,
    @Caller() { clientId }: MachinePrincipal,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ProvisioningBatchStatus | BatchForecast> {
    endUnread(req, res);
    const key = idempotencyKeyOf(header);
    if (dryRun === 'true') return this.foretell(req, res);
    note(req, { parameters: { ...(key && { key }) } });
    const batchId = await this.receiver.receive(req, clientId, key);
    const batch = await this.find(batchId, firstFailures, res);
    const { format, counts, stopped } = batch;
    const { lines, refused } = counts;
    note(req, {
      // Records a file that was sent again; a new file is on record already.
      parameters: { batchId, format, ...(key && { key }) },
      answer: { lines, refused, ...(stopped && { stopped }) },
    });
    res.status(HttpStatus.ACCEPTED).location(`/${place}/${batchId}`);
    return batch;
  }

  private async foretell(req: Request, res: Response): Promise<BatchForecast> {
    note(req, { parameters: { dryRun: true } });
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const told = await this.forecaster.foretell(req, gone.signal);
    note(req, { parameters: { dryRun: true, lines: told.counts.lines } });
    res.status(HttpStatus.OK);
    return told;
  }

  @Get()
  @Scopes('foyer.read')
  list(@Query({ schema: BatchListQuery }) query: BatchListQuery): Promise<Page<ProvisioningBatch>> {
    return this.batches.list(query);
  }

  @Get(':id')
  @Scopes('foyer.read')
  read(
    @Param({ schema: IdParams }) { id }: IdParams,
    @Query({ schema: BatchListQuery }) query: BatchListQuery,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ProvisioningBatchStatus> {
    return this.find(id, query, res);
  }

  private async find(id: string, query: BatchListQuery, res: Response): Promise<ProvisioningBatchStatus> {
    const batch = await this.batches.find(id, query);
    if (batch === null) throw new FoyerError('not_found');
    if (batch.state !== 'done') res.setHeader('Retry-After', ASK_AGAIN_S);
    return batch;
  }
}
