import { All, Controller, HttpCode, HttpStatus, Inject, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { RecordedChange } from '@foyer/provisioning';
import type { BulkOperation } from '@foyer/scim';
import { changeOf, note } from '../access/call-notes.ts';
import { Recorded, RecordedRead } from '../access/call-recorder.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { addressesOf } from './addresses.ts';
import { bodyOf } from './body.ts';
import { BulkService, type BulkContext } from './bulk.service.ts';
import { tellMethods } from './methods.ts';
import { bodyNote } from './parameters.ts';
import { IgnoredNames } from './unknown/ignored-names.ts';
import { UnknownNames } from './unknown/unknown-names.ts';

@Controller(['scim/v2/Bulk', 't/:tenant/scim/v2/Bulk'])
export class BulkController {
  constructor(
    private readonly bulk: BulkService,
    private readonly ignored: IgnoredNames,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @Recorded('scim_bulk')
  async carryOut(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    const body = bodyOf(req);
    note(req, { parameters: bodyNote(body) });
    const unknown = new UnknownNames(this.config.SCIM_UNKNOWN);
    const context: BulkContext = {
      ...{ addresses: addressesOf(req, this.config), unknown },
      callOf: (operation) => operationOf(operation, req),
    };
    const done = await this.bulk
      .carryOut(body, context)
      .finally(() => this.ignored.tell(unknown, 'Bulk', req, res));
    note(req, { answer: { failed: done.failed, requests: done.requestIds } });
    res.type('application/scim+json');
    return done.body;
  }

  @All()
  @RecordedRead('scim_other_method')
  other(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'POST');
  }
}

/** Runs one operation like a call of its own, recorded in a transaction of its own. */
const operationOf = ({ method, type, id, data, bulkId }: BulkOperation, req: Request): RecordedChange => ({
  ...changeOf(req, statuses[method], () => ({
    operation: operations[method],
    parameters: {
      type: type.name,
      ...(id !== null && { id }),
      ...(bulkId !== null && { bulkId }),
      ...bodyNote(data),
    },
  })),
  // The bulk request itself has its own record.
  committed: () => undefined,
});

const statuses = { POST: 201, PUT: 200, PATCH: 200, DELETE: 204 } as const;
const operations = {
  POST: 'scim_create',
  PUT: 'scim_replace',
  PATCH: 'scim_patch',
  DELETE: 'scim_delete',
} as const;
