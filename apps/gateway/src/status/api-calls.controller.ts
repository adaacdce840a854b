import { Controller, Get, Query, UseGuards, UsePipes } from '@nestjs/common';
import { ApiCalls } from '@foyer/persistence';
import { ApiCallListQuery, type ApiCall, type Page } from '@foyer/shared';
import { AccessGuard } from '../access/access.guard.ts';
import { Scopes } from '../access/principal.ts';
import { ValidationPipe } from '../access/validation.ts';

@Controller('v1/api-calls')
@UseGuards(AccessGuard)
@UsePipes(ValidationPipe)
export class ApiCallsController {
  constructor(private readonly calls: ApiCalls) {}

  @Get()
  @Scopes('foyer.audit')
  list(@Query({ schema: ApiCallListQuery }) query: ApiCallListQuery): Promise<Page<ApiCall>> {
    return this.calls.list(query);
  }
}
