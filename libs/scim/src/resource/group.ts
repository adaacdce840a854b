import { ScimError } from '../errors.ts';
import { readPath, type Path } from '../filter/path.ts';
import type { Filter } from '../filter/filter.ts';
import { readPatch, type PatchOperation } from '../patch/operations.ts';
import { subAttribute, type Attribute } from '../schema/attribute.ts';
import { groupType, rootOf } from '../schema/resource-types.ts';
import { readResource, type Document } from './read.ts';
import { invalidValue, isValues, MAX_MEMBERS, readAttribute, type Values } from './value.ts';

/** A member as a client gave it. `value` is the id; a field that was not given is null. */
export interface Member {
  readonly value: string;
  readonly display: string | null;
  readonly type: 'User' | 'Group' | null;
}

/**
 * One change of a group that does not require its members to be loaded. In a filter, references are relative to the
 * member. Adding an existing member and removing a missing one change nothing.
 */
export type GroupEdit =
  | { readonly kind: 'add-members'; readonly members: readonly Member[] }
  | { readonly kind: 'remove-members'; readonly values: readonly string[] }
  | { readonly kind: 'remove-members-matching'; readonly filter: Filter }
  | { readonly kind: 'replace-members'; readonly members: readonly Member[] }
  /** Everything else: for `applyPatch` on the group without its members. */
  | { readonly kind: 'attributes'; readonly operations: readonly PatchOperation[] };

/**
 * Reads the body of a POST or PUT of a group, with the members separated and each listed once. Throws as `readResource`
 * does.
 */
export function readGroup(body: unknown): { document: Document; members: readonly Member[] } {
  const { members, ...document } = readResource(body, groupType);
  return { document, members: members === undefined ? [] : toMembers(members as readonly Values[]) };
}

/**
 * Reads the body of a PATCH of a group as edits, in their order; adjacent edits of one kind are joined. Throws
 * ScimError 400 for members that `applyPatch` would refuse.
 */
export const readGroupPatch = (body: unknown): readonly GroupEdit[] =>
  toGroupEdits(readPatch(body, MAX_MEMBERS));

/** The same for operations that were read with `readPatch`. */
export const toGroupEdits = (operations: readonly PatchOperation[]): readonly GroupEdit[] =>
  joined(operations.flatMap(editsOf));

const memberAttribute = subAttribute(rootOf(groupType), 'members')!;

function editsOf(operation: PatchOperation): readonly GroupEdit[] {
  const { op, path, value } = operation;
  if (path === null)
    return op !== 'remove' && isValues(value) ? editsOfObject(op, value) : [others(operation)];
  const target = readPath(path, groupType, 'invalidPath');
  return [isMembers(target) ? editOfMembers(op, target, value) : others(operation)];
}

/** For an object without a path: the members are one edit, everything else another. */
function editsOfObject(op: 'add' | 'replace', value: Values): readonly GroupEdit[] {
  const entries = Object.entries(value).map(([key, each]) => {
    return { key, each, target: readPath(key, groupType, 'invalidSyntax') };
  });
  const rest = entries.filter(({ target }) => !isMembers(target)).map(({ key, each }) => [key, each]);
  const edits = entries
    .filter(({ target }) => isMembers(target))
    .map(({ target, each }) => editOfMembers(op, target, each));
  const attributes = Object.fromEntries(rest) as Values;
  return rest.length === 0 && edits.length > 0
    ? edits
    : [others({ op, path: null, value: attributes }), ...edits];
}

const others = (operation: PatchOperation): GroupEdit => ({ kind: 'attributes', operations: [operation] });

const isMembers = ({ attribute }: Path): boolean => attribute.leaf === memberAttribute;

function editOfMembers(op: PatchOperation['op'], { filter, sub }: Path, value: unknown): GroupEdit {
  // RFC 7643, section 8.7.1: a member's attributes are immutable. To change a member, it is removed and added.
  if (sub !== null || (op !== 'remove' && filter !== null)) {
    throw new ScimError(400, 'mutability', 'members: a member cannot be changed, only added or removed.');
  }
  if (filter !== null) return removalOf(filter);
  const members = readMembers(value);
  if (op === 'add') return { kind: 'add-members', members };
  // Some clients give the members to remove besides the path.
  if (op === 'remove' && value !== undefined && value !== null) {
    return { kind: 'remove-members', values: members.map((member) => member.value) };
  }
  return { kind: 'replace-members', members };
}

function readMembers(value: unknown): readonly Member[] {
  const list = isValues(value) ? [value] : value;
  return toMembers((readAttribute(memberAttribute, list, 'members') ?? []) as readonly Values[]);
}

function toMembers(members: readonly Values[]): readonly Member[] {
  return onceEach(
    members.map(({ value, display, type }) => ({
      value: String(value),
      display: typeof display === 'string' ? display : null,
      type: type === undefined ? null : memberType(type),
    })),
  );
}

/** Of two members with one id the later one is kept. */
const onceEach = (members: readonly Member[]): readonly Member[] => [
  ...new Map(members.map((member) => [member.value, member])).values(),
];

function memberType(type: unknown): 'User' | 'Group' {
  const name = String(type).toLowerCase();
  if (name !== 'user' && name !== 'group') throw invalidValue('members.type', 'must be "User" or "Group".');
  return name === 'user' ? 'User' : 'Group';
}

/** `value eq "1" or value eq "2"` is a list of ids; any other filter must be evaluated on the members. */
function removalOf(filter: Filter): GroupEdit {
  const single = filter.kind === 'or' ? filter.filters.map(idOf) : [idOf(filter)];
  const values = single.filter((each) => each !== null);
  return values.length === single.length
    ? { kind: 'remove-members', values: [...new Set(values)] }
    : { kind: 'remove-members-matching', filter };
}

const valueAttribute: Attribute | null = subAttribute(memberAttribute, 'value');

function idOf(filter: Filter): string | null {
  if (filter.kind !== 'compare' || filter.op !== 'eq' || filter.attribute.leaf !== valueAttribute)
    return null;
  return typeof filter.value === 'string' ? filter.value : null;
}

/** Joins adjacent edits of one kind, because Okta removes each member with a separate operation. */
function joined(edits: readonly GroupEdit[]): readonly GroupEdit[] {
  const runs: [GroupEdit, ...GroupEdit[]][] = [];
  for (const edit of edits) {
    const run = runs.at(-1);
    if (run?.[0].kind === edit.kind) run.push(edit);
    else runs.push([edit]);
  }
  return runs.flatMap((run) => (run.length === 1 ? run : join(run)));
}

function join(run: readonly GroupEdit[]): readonly GroupEdit[] {
  const [first] = run;
  switch (first?.kind) {
    case 'add-members':
      return [
        {
          kind: first.kind,
          members: onceEach(run.flatMap((each) => ('members' in each ? each.members : []))),
        },
      ];
    case 'remove-members':
      return [
        {
          kind: first.kind,
          values: [...new Set(run.flatMap((each) => ('values' in each ? each.values : [])))],
        },
      ];
    case 'attributes':
      return [
        {
          kind: first.kind,
          operations: run.flatMap((each) => ('operations' in each ? each.operations : [])),
        },
      ];
    default:
      return run;
  }
}
