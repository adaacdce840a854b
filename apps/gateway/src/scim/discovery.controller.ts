import { All, Controller, Get, HttpCode, HttpStatus, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  listResponse,
  readSearchRequest,
  resourceTypeBody,
  resourceTypesBody,
  schemaBody,
  schemasBody,
  ScimError,
  serviceProviderConfig,
  type ListQuery,
} from '@foyer/scim';
import { SCIM_PAGE_DEFAULT, SCIM_PAGE_MAX } from '@foyer/persistence';
import type { Request, Response } from 'express';
import { note } from '../access/call-notes.ts';
import { RecordedRead } from '../access/call-recorder.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { addressesOf } from './addresses.ts';
import { bodyOf, SCIM_BODY_LIMIT } from './body.ts';
import { MAX_BULK_OPERATIONS } from './bulk.service.ts';
import { GroupsService } from './groups.service.ts';
import { tellMethods } from './methods.ts';
import { bodyNote } from './parameters.ts';
import type { ResourceService } from './resource-service.ts';
import { UsersService } from './users.service.ts';

const DAY_SECONDS = 86_400;

/** Describes the service and lists resources of all types (RFC 7644, sections 3.4.3 and 4). */
@Controller(['scim/v2', 't/:tenant/scim/v2'])
export class DiscoveryController {
  constructor(
    private readonly users: UsersService,
    private readonly groups: GroupsService,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
  ) {}

  @Get('ServiceProviderConfig')
  @RecordedRead('scim_describe')
  provider(@Req() req: Request, @Res({ passthrough: true }) res: Response): unknown {
    return this.describe(req, res, (base) =>
      serviceProviderConfig(base, {
        bulkOperations: MAX_BULK_OPERATIONS,
        bulkPayloadSize: SCIM_BODY_LIMIT,
        maxPageSize: SCIM_PAGE_MAX,
        defaultPageSize: SCIM_PAGE_DEFAULT,
        // The server stores nothing for a cursor, so a cursor never expires before this.
        cursorTimeout: DAY_SECONDS,
      }),
    );
  }

  @Get('Schemas')
  @RecordedRead('scim_describe')
  schemas(@Req() req: Request, @Res({ passthrough: true }) res: Response): unknown {
    return this.describe(req, res, schemasBody);
  }

  @Get('Schemas/:urn')
  @RecordedRead('scim_describe')
  schema(@Param('urn') urn: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): unknown {
    return this.describe(req, res, (base) => schemaBody(urn, base));
  }

  @Get('ResourceTypes')
  @RecordedRead('scim_describe')
  types(@Req() req: Request, @Res({ passthrough: true }) res: Response): unknown {
    return this.describe(req, res, resourceTypesBody);
  }

  @Get('ResourceTypes/:name')
  @RecordedRead('scim_describe')
  type(@Param('name') name: string, @Req() req: Request, @Res({ passthrough: true }) res: Response): unknown {
    return this.describe(req, res, (base) => resourceTypeBody(name, base));
  }

  /**
   * People come first, then groups. A filter on an attribute that only one type has matches no resource of the other.
   */
  @Post('.search')
  @HttpCode(HttpStatus.OK)
  @RecordedRead('scim_search')
  async search(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    const body = bodyOf(req);
    note(req, { parameters: bodyNote(body) });
    const asked = [this.users, this.groups].map((service) => askedOf(service, body));
    const known = asked.filter((each) => 'query' in each);
    const [first] = known;
    if (first === undefined) throw asked.find((each) => 'error' in each)!.error;
    const { startIndex, count } = first.query;
    const resources: unknown[] = [];
    let total = 0;
    let left = Math.min(count ?? SCIM_PAGE_DEFAULT, SCIM_PAGE_MAX);
    for (const { service, query } of known) {
      const from = Math.max(1, startIndex - total);
      const page = await service.list(
        { ...query, startIndex: from, count: left },
        addressesOf(req, this.config),
      );
      total += page.total;
      left -= page.resources.length;
      resources.push(...page.resources);
    }
    res.type('application/scim+json');
    return listResponse({ resources, totalResults: total, startIndex });
  }

  /** RFC 7644, section 3.11: our clients are not users. */
  @All(['Me', 'Me/*rest'])
  @RecordedRead('scim_me')
  me(): never {
    throw new ScimError(501, null, 'A SCIM client is not a user. Use /Users.');
  }

  @All(['ServiceProviderConfig', 'Schemas', 'Schemas/:urn', 'ResourceTypes', 'ResourceTypes/:name'])
  @RecordedRead('scim_other_method')
  readOnly(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'GET');
  }

  @All('.search')
  @RecordedRead('scim_other_method')
  otherThanSearch(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'POST');
  }

  private describe(req: Request, res: Response, body: (base: string) => unknown): unknown {
    if (req.query['filter'] !== undefined)
      throw new ScimError(403, null, 'Discovery resources cannot be filtered (RFC 7644, section 4).');
    const found = body(addressesOf(req, this.config).scim);
    if (found === null) throw new ScimError(404, null, 'There is no resource with this name.');
    res.type('application/scim+json');
    return found;
  }
}

type Asked = { readonly service: ResourceService; readonly query: ListQuery } | { readonly error: unknown };

function askedOf(service: ResourceService, body: unknown): Asked {
  try {
    const query = readSearchRequest(body, service.type);
    if (query.cursor !== null)
      throw new ScimError(
        400,
        'invalidCursor',
        'A query across all resource types supports startIndex only, not cursor.',
      );
    return { service, query };
  } catch (error) {
    return { error };
  }
}
