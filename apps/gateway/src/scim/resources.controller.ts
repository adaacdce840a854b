import {
  All,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Inject,
  Param,
  Patch,
  Post,
  Put,
  Req,
  Res,
} from '@nestjs/common';
import { listResponse, readListQuery, readSearchRequest, readSelection, type ListQuery } from '@foyer/scim';
import type { Request, Response } from 'express';
import { changeOf, note, notesOf } from '../access/call-notes.ts';
import { Recorded, RecordedRead } from '../access/call-recorder.ts';
import { CONFIG, type ProcessContext } from '../context.ts';
import { addressesOf } from './addresses.ts';
import { bodyOf } from './body.ts';
import { ifMatch, isUnchanged } from './etag.ts';
import { GroupsService } from './groups.service.ts';
import { IgnoredNames, ignoredNote } from './unknown/ignored-names.ts';
import { tellMethods } from './methods.ts';
import { bodyNote, queryNote } from './parameters.ts';
import type { Answered, Asking, ResourceService } from './resource-service.ts';
import { locationOf, requestAddress } from './resources.ts';
import { UnknownNames } from './unknown/unknown-names.ts';
import { UsersService } from './users.service.ts';

/** The response to a change. */
const changed: Readonly<Record<string, number>> = {
  POST: HttpStatus.CREATED,
  DELETE: HttpStatus.NO_CONTENT,
};

/** One type of resource over HTTP (RFC 7644, section 3). ScimAuthenticator has authenticated the client. */
abstract class ResourcesController {
  protected readonly service: ResourceService;
  protected readonly ignored: IgnoredNames;
  protected readonly config: ProcessContext['config'];

  constructor(service: ResourceService, ignored: IgnoredNames, config: ProcessContext['config']) {
    this.service = service;
    this.ignored = ignored;
    this.config = config;
  }

  @Get()
  @RecordedRead('scim_list')
  async list(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    note(req, { parameters: queryNote(req.query) });
    return this.page(readListQuery(req.query, this.service.type), req, res);
  }

  @Post('.search')
  @HttpCode(HttpStatus.OK)
  @RecordedRead('scim_search')
  async search(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    const body = bodyOf(req);
    note(req, { parameters: bodyNote(body) });
    return this.page(readSearchRequest(body, this.service.type), req, res);
  }

  @All('.search')
  @RecordedRead('scim_other_method')
  otherThanSearch(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'POST');
  }

  @Get(':id')
  @RecordedRead('scim_read')
  async read(
    @Param('id') id: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<unknown> {
    const answered = await this.service.find(id, this.asking(req));
    if (isUnchanged(req, answered.etag)) {
      this.tellRequest(answered.requestId, id, req, res);
      res.status(HttpStatus.NOT_MODIFIED).setHeader('etag', answered.etag);
      return undefined;
    }
    return this.answer(answered, req, res);
  }

  @Post()
  @Recorded('scim_create')
  async create(@Req() req: Request, @Res({ passthrough: true }) res: Response): Promise<unknown> {
    return this.write(req, res, (body, asking) => this.service.create(body, asking));
  }

  @Put(':id')
  @Recorded('scim_replace')
  async replace(
    @Param('id') id: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<unknown> {
    return this.write(req, res, (body, asking) => this.service.replace(id, body, asking));
  }

  @Patch(':id')
  @Recorded('scim_patch')
  async patch(
    @Param('id') id: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<unknown> {
    return this.write(req, res, (body, asking) => this.service.patch(id, body, asking));
  }

  @Delete(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @Recorded('scim_delete')
  async remove(
    @Param('id') id: string,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<void> {
    const request = await this.service.remove(id, this.asking(req));
    this.tellRequest(request?.requestId ?? null, id, req, res);
  }

  @All()
  @RecordedRead('scim_other_method')
  otherOfAll(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'GET', 'POST');
  }

  @All(':id')
  @RecordedRead('scim_other_method')
  otherOfOne(@Req() req: Request, @Res({ passthrough: true }) res: Response): void {
    tellMethods(req, res, 'GET', 'PUT', 'PATCH', 'DELETE');
  }

  private async write(
    req: Request,
    res: Response,
    work: (body: unknown, asking: Asking) => Promise<Answered>,
  ): Promise<unknown> {
    const body = bodyOf(req);
    note(req, { parameters: bodyNote(body) });
    const asking = this.asking(req);
    const { name } = this.service.type;
    const answered = await work(body, asking).finally(() =>
      this.ignored.tell(asking.unknown, name, req, res),
    );
    return this.answer(answered, req, res);
  }

  private asking(req: Request): Asking {
    const unknown = new UnknownNames(this.config.SCIM_UNKNOWN);
    return {
      addresses: addressesOf(req, this.config),
      selection: readSelection(req.query, this.service.type),
      expected: ifMatch(req),
      unknown,
      call: changeOf(req, changed[req.method] ?? HttpStatus.OK, () => ({
        parameters: { ...notesOf(req).parameters, ...ignoredNote(unknown) },
      })),
    };
  }

  private async page(query: ListQuery, req: Request, res: Response): Promise<unknown> {
    const { total, resources, nextCursor } = await this.service.list(query, addressesOf(req, this.config));
    res.type('application/scim+json');
    return query.cursor === null
      ? listResponse({ resources, totalResults: total, startIndex: query.startIndex })
      : listResponse({ resources, totalResults: total, nextCursor, previousCursor: null });
  }

  private answer({ id, etag, resource, requestId }: Answered, req: Request, res: Response): unknown {
    const addresses = addressesOf(req, this.config);
    this.tellRequest(requestId, id, req, res);
    res.setHeader('etag', etag);
    res.location(locationOf(this.service.type, id, addresses));
    if (resource === null) {
      res.status(HttpStatus.NO_CONTENT);
      return undefined;
    }
    res.type('application/scim+json');
    return resource;
  }

  /** Where a client asks whether Box has the resource, also for responses without a body. */
  private tellRequest(requestId: string | null, id: string, req: Request, res: Response): void {
    note(
      req,
      this.service.type.name === 'User' ? { identityId: id.toLowerCase() } : { answer: { group: id } },
    );
    if (requestId === null) return;
    if (req.method !== 'GET') note(req, { requestId });
    res.setHeader('foyer-request', requestAddress(requestId, addressesOf(req, this.config)));
  }
}

@Controller(['scim/v2/Users', 't/:tenant/scim/v2/Users'])
export class UsersController extends ResourcesController {
  constructor(users: UsersService, ignored: IgnoredNames, @Inject(CONFIG) config: ProcessContext['config']) {
    super(users, ignored, config);
  }
}

@Controller(['scim/v2/Groups', 't/:tenant/scim/v2/Groups'])
export class GroupsController extends ResourcesController {
  constructor(
    groups: GroupsService,
    ignored: IgnoredNames,
    @Inject(CONFIG) config: ProcessContext['config'],
  ) {
    super(groups, ignored, config);
  }
}
