import { Inject, Injectable } from '@nestjs/common';
import { ScimUsers, type ScimUser, type Written } from '@foyer/persistence';
import {
  applyPatch,
  readPatch,
  readResource,
  ScimError,
  STAND_IN,
  userType,
  type Document,
  type ListQuery,
} from '@foyer/scim';
import { IntakeService } from '../intake/intake.service.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { checkVersion } from './etag.ts';
import { checkKeys } from './lengths.ts';
import {
  checkId,
  notFound,
  withConflicts,
  type Answered,
  type Asking,
  type ResourceService,
} from './resource-service.ts';
import { userEtag, userResource, type Addresses } from './resources.ts';

/** SCIM Users: our people. */
@Injectable()
export class UsersService implements ResourceService {
  readonly type = userType;

  constructor(
    private readonly users: ScimUsers,
    private readonly intake: IntakeService,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
  ) {}

  async list(query: ListQuery, addresses: Addresses) {
    const { total, items, nextCursor } = await this.users.list(query);
    const resources = items.map((user) => userResource(user, addresses, query.selection));
    return { total, resources, nextCursor };
  }

  async find(id: string, asking: Asking): Promise<Answered> {
    const user = await this.users.find(checkId(id, userType));
    if (user === null) throw notFound(id, userType);
    return answer(user, asking);
  }

  async create(body: unknown, asking: Asking): Promise<Answered> {
    const document = checked(readResource(asking.unknown.body(body, userType), userType));
    const written = await withConflicts(this.users.create({ active: true, ...document }, asking.call));
    return this.written(written, asking);
  }

  async replace(id: string, body: unknown, asking: Asking): Promise<Answered> {
    const document = readResource(asking.unknown.body(body, userType), userType);
    // RFC 7644, section 3.5.1, leaves omitted attributes to us: a PUT without them neither reactivates a person nor
    // removes their external id.
    return this.update(id, asking, (before) => ({
      active: before['active'],
      ...(before['externalId'] !== undefined && { externalId: before['externalId'] }),
      ...document,
    }));
  }

  async patch(id: string, body: unknown, asking: Asking): Promise<Answered> {
    const operations = asking.unknown.operations(readPatch(body), userType);
    return this.update(id, asking, (before) => ({
      active: before['active'],
      ...applyPatch(before, operations, userType),
    }));
  }

  async remove(id: string, { expected, call }: Asking) {
    const check = (user: ScimUser) => checkVersion(expected, user.generation);
    const requests = await this.users.remove(checkId(id, userType), this.config.SCIM_DELETE, check, call);
    if (requests === null) throw notFound(id, userType);
    this.intake.enqueue(...requests);
    return requests[0] ?? null;
  }

  private async update(
    id: string,
    asking: Asking,
    change: (before: Document) => Document,
  ): Promise<Answered> {
    const changed = ({ document, generation }: ScimUser): Document => {
      checkVersion(asking.expected, generation);
      return checked(change(document));
    };
    const written = await withConflicts(this.users.update(checkId(id, userType), changed, asking.call));
    if (written === null) throw notFound(id, userType);
    return this.written(written, asking);
  }

  private written({ resource, requests }: Written<ScimUser>, asking: Asking): Answered {
    this.intake.enqueue(...requests);
    return answer(resource, asking);
  }
}

const answer = (user: ScimUser, { addresses, selection }: Asking): Answered => ({
  id: user.id,
  etag: userEtag(user),
  requestId: user.requestId,
  resource: userResource(user, addresses, selection),
});

function checked(document: Document): Document {
  const { externalId } = document;
  if (typeof externalId === 'string' && externalId.startsWith(STAND_IN))
    throw new ScimError(400, 'invalidValue', `externalId: must not begin with "${STAND_IN}".`);
  return checkKeys(document);
}
