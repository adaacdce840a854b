import { Controller, Get, UseGuards } from '@nestjs/common';
import { Identities, Requests } from '@foyer/persistence';
import { FoyerError, type Me } from '@foyer/shared';
import { AccessGuard } from '../access/access.guard.ts';
import { Caller, OpenToSessions, type SessionPrincipal } from '../access/principal.ts';

@Controller('v1/me')
@UseGuards(AccessGuard)
export class MeController {
  constructor(
    private readonly identities: Identities,
    private readonly requests: Requests,
  ) {}

  @Get()
  @OpenToSessions()
  async me(@Caller() { identityId }: SessionPrincipal): Promise<Me> {
    const [identity, newestRequest] = await Promise.all([
      this.identities.find(identityId),
      this.requests.newest({ identityId }),
    ]);
    if (identity === null) throw new FoyerError('unauthenticated');
    return { identity, newestRequest };
  }
}
