import { Injectable } from '@nestjs/common';
import { ScimGroups, type HeldGroup, type Written } from '@foyer/persistence';
import {
  applyPatch,
  groupType,
  isSelected,
  MAX_MEMBERS,
  readGroup,
  readPatch,
  toGroupEdits,
  type Document,
  type GroupEdit,
  type ListQuery,
} from '@foyer/scim';
import { IntakeService } from '../intake/intake.service.ts';
import { checkVersion } from './etag.ts';
import { checkEdits, checkGroupKeys, checkMembers } from './lengths.ts';
import {
  checkId,
  notFound,
  withConflicts,
  type Answered,
  type Asking,
  type ResourceService,
} from './resource-service.ts';
import { groupEtag, groupResource, WAITING_MEMBERS, type Addresses } from './resources.ts';

const isWithMembers = (selection: Asking['selection']): boolean =>
  ['members', WAITING_MEMBERS].some((name) => isSelected(selection, name, groupType));

type AttributesEdit = Extract<GroupEdit, { kind: 'attributes' }>;

/** SCIM Groups, which become Box's groups. A change of a few members neither reads nor writes the others. */
@Injectable()
export class GroupsService implements ResourceService {
  readonly type = groupType;

  constructor(
    private readonly groups: ScimGroups,
    private readonly intake: IntakeService,
  ) {}

  async list(query: ListQuery, addresses: Addresses) {
    const { total, items, nextCursor } = await this.groups.list(query, isWithMembers(query.selection));
    const resources = items.map((group) => groupResource(group, addresses, query.selection));
    return { total, resources, nextCursor };
  }

  async find(id: string, { addresses, selection }: Asking): Promise<Answered> {
    const group = await this.groups.find(checkId(id, groupType), isWithMembers(selection));
    if (group === null) throw notFound(id, groupType);
    const { requestId } = group;
    const etag = groupEtag(group, selection);
    return { id: group.id, etag, requestId, resource: groupResource(group, addresses, selection) };
  }

  async create(body: unknown, asking: Asking): Promise<Answered> {
    const { document, members } = readGroup(asking.unknown.body(body, groupType));
    checkMembers(members);
    const created = this.groups.create(checkGroupKeys(document), members, asking.call);
    return this.whole(await withConflicts(created), asking);
  }

  async replace(id: string, body: unknown, asking: Asking): Promise<Answered> {
    const { document, members } = readGroup(asking.unknown.body(body, groupType));
    const edits: GroupEdit[] = [
      { kind: 'attributes', operations: [] },
      { kind: 'replace-members', members },
    ];
    return this.whole(await this.edit(id, asking, edits, () => document), asking);
  }

  /** 204 (RFC 7644, section 3.5.2) unless attributes are requested, because a group with many members is large. */
  async patch(id: string, body: unknown, asking: Asking): Promise<Answered> {
    const edits = toGroupEdits(asking.unknown.operations(readPatch(body, MAX_MEMBERS), groupType));
    const written = await this.edit(id, asking, edits, (document, { operations }) =>
      applyPatch(document, operations, groupType),
    );
    if (asking.selection.attributes !== null) return this.whole(written, asking);
    this.intake.enqueue(...written.requests);
    const { id: groupId, requestId } = written.resource;
    return { id: groupId, etag: groupEtag(written.resource, asking.selection), requestId, resource: null };
  }

  async remove(id: string, { expected, call }: Asking) {
    const check = expected === null ? null : ({ version }: HeldGroup) => checkVersion(expected, version);
    const requests = await this.groups.remove(checkId(id, groupType), check, call);
    if (requests === null) throw notFound(id, groupType);
    this.intake.enqueue(...requests);
    return requests[0] ?? null;
  }

  private async edit(
    id: string,
    { expected, call }: Asking,
    edits: readonly GroupEdit[],
    change: (document: Document, edit: AttributesEdit) => Document,
  ): Promise<Written<HeldGroup>> {
    const check = expected === null ? null : ({ version }: HeldGroup) => checkVersion(expected, version);
    const checked = (document: Document, edit: AttributesEdit) => checkGroupKeys(change(document, edit));
    const edited = this.groups.edit(checkId(id, groupType), check, checkEdits(edits), checked, call);
    const written = await withConflicts(edited);
    if (written === null) throw notFound(id, groupType);
    return written;
  }

  private async whole({ resource, requests }: Written<HeldGroup>, asking: Asking): Promise<Answered> {
    this.intake.enqueue(...requests);
    return this.find(resource.id, asking);
  }
}
