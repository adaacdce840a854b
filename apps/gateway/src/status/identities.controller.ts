import { Controller, Get, Param, Query, UseGuards, UsePipes } from '@nestjs/common';
import { Identities } from '@foyer/persistence';
import { FoyerError, IdentityListQuery, IdParams, type Identity, type Page } from '@foyer/shared';
import { AccessGuard } from '../access/access.guard.ts';
import { Caller, OpenToSessions, ownRows, Scopes, type Principal } from '../access/principal.ts';
import { ValidationPipe } from '../access/validation.ts';

@Controller('v1/identities')
@UseGuards(AccessGuard)
@UsePipes(ValidationPipe)
export class IdentitiesController {
  constructor(private readonly identities: Identities) {}

  @Get()
  @Scopes('foyer.read')
  list(@Query({ schema: IdentityListQuery }) query: IdentityListQuery): Promise<Page<Identity>> {
    return this.identities.list(query);
  }

  @Get(':id')
  @Scopes('foyer.read')
  @OpenToSessions()
  async read(@Param({ schema: IdParams }) { id }: IdParams, @Caller() caller: Principal): Promise<Identity> {
    const own = ownRows(caller).identityId;
    const identity = own === undefined || own === id ? await this.identities.find(id) : null;
    if (identity === null) throw new FoyerError('not_found');
    return identity;
  }
}
