import { All, Controller, HttpCode, HttpStatus, Inject, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { note } from '../access/call-notes.ts';
import { Recorded } from '../access/call-recorder.ts';
import { CONFIG, type Parts } from '../parts.ts';
import { addressesOf } from './addresses.ts';
import { bodyOf } from './body.ts';
import { BulkService } from './bulk.service.ts';
import { tellMethods } from './methods.ts';
import { bodyNote } from './parameters.ts';
import { IgnoredNames } from './ignored-names.ts';
import { UnknownNames } from './unknown-names.ts';

@Controller(['scim/v2/Bulk', 't/:tenant/scim/v2/Bulk'])
export class BulkController {
  constructor(
    private readonly bulk: BulkService,
    private readonly ignored: IgnoredNames,
    @Inject(CONFIG) private readonly config: Parts['config'],
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @Recorded('scim_bulk')
  async carryOut(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    const body = bodyOf(req);
    note(req, { parameters: bodyNote(body) });
    const unknown = new UnknownNames(this.config.SCIM_UNKNOWN);
    const context = { addresses: addressesOf(req, this.config), unknown };
    const done = await this.bulk
      .carryOut(body, context)
      .finally(() => this.ignored.tell(unknown, 'Bulk', req, res));
    note(req, { answer: { failed: done.failed, requests: done.requestIds } });
    res.type('application/scim+json');
    return done.body;
  }

  @All()
  @Recorded('scim_other_method')
  other(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'POST');
  }
}
