import { ScimError } from '../errors.ts';
import { isValues } from '../resource/value.ts';
import { quote } from '../schema/text.ts';
import type { BulkEntry, BulkOperation, BulkRequest } from './read.ts';

/**
 * An entry in the planned order. `index` is its position in the request, from 0; `needs` are the bulkIds that it refers
 * to.
 */
export type PlannedEntry = BulkEntry & { readonly index: number; readonly needs: readonly string[] };

/**
 * The entries in an order in which each bulkId is created before it is used, and otherwise unchanged (RFC 7644, section
 * 3.7.2). An operation with a bulkId that no POST has is refused with 400; circular references are refused with 409
 * (section 3.7.1), at the end.
 */
export function planBulk({ entries }: BulkRequest): readonly PlannedEntry[] {
  const makers = new Map<string, number>();
  for (const [index, { operation }] of entries.entries()) {
    if (operation?.method === 'POST' && operation.bulkId !== null) makers.set(operation.bulkId, index);
  }
  const planned = entries.map((entry, index): PlannedEntry => {
    const needs = entry.operation === null ? [] : [...bulkIdsOf(entry.operation)];
    const unknown = needs.find((bulkId) => !makers.has(bulkId));
    const known = { ...entry, index, needs };
    return unknown === undefined ? known : refused(known, unresolved(unknown));
  });
  const order = orderOf(planned.map(({ needs }) => needs.flatMap((bulkId) => makers.get(bulkId) ?? [])));
  const placed = new Set(order);
  const circular = planned.filter(({ index }) => !placed.has(index));
  return [
    ...order.map((index) => planned[index]!),
    ...circular.map((each) => (each.refusal === null ? refused(each, waitsForItself) : each)),
  ];
}

const refused = (entry: PlannedEntry, refusal: ScimError): PlannedEntry => ({
  ...entry,
  operation: null,
  refusal,
});

/**
 * The operation with ids in place of bulkIds. Throws ScimError 400 for a bulkId without an id, because its operation
 * failed.
 */
export function resolveBulkIds(operation: BulkOperation, ids: ReadonlyMap<string, string>): BulkOperation {
  return replaceBulkIds(operation, (bulkId) => {
    const id = ids.get(bulkId);
    if (id === undefined) throw unresolved(bulkId);
    return id;
  });
}

const unresolved = (bulkId: string): ScimError =>
  new ScimError(
    400,
    'invalidValue',
    `bulkId ${quote(bulkId)}: no operation created a resource with this bulkId.`,
  );

const waitsForItself = new ScimError(
  409,
  null,
  'The operation refers to a resource that refers to this operation.',
);

/** The indexes in an order in which each comes after those that it needs; without circular ones. */
function orderOf(needs: readonly (readonly number[])[]): readonly number[] {
  const left = needs.map((each) => each.length);
  const waiting = Map.groupBy(
    needs.flatMap((each, index) => each.map((needed) => ({ needed, index }))),
    ({ needed }) => needed,
  );
  const order: number[] = [];
  for (const start of needs.keys()) {
    const ready = left[start] === 0 ? [start] : [];
    for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
      order.push(index);
      for (const each of waiting.get(index) ?? []) {
        left[each.index] = left[each.index]! - 1;
        // Later indexes are reached by the outer loop anyway.
        if (left[each.index] === 0 && each.index < start) ready.push(each.index);
      }
    }
  }
  return order;
}

function bulkIdsOf(operation: BulkOperation): ReadonlySet<string> {
  const found = new Set<string>();
  replaceBulkIds(operation, (bulkId) => {
    found.add(bulkId);
    return '';
  });
  return found;
}

type Replace = (bulkId: string) => string;

function replaceBulkIds(operation: BulkOperation, replace: Replace): BulkOperation {
  const { id, data, type } = operation;
  const known = id === null ? null : whole(id, replace);
  const path = known === null ? operation.path : `${type.endpoint}/${known}`;
  return { ...operation, id: known, path, data: inData(data, '', replace) };
}

const whole = (text: string, replace: Replace): string =>
  text.startsWith('bulkId:') ? replace(text.slice('bulkId:'.length)) : text;

/** References are the values of `value` and `$ref`, and quoted text in the path of a PATCH. */
function inData(data: unknown, key: string, replace: Replace): unknown {
  if (typeof data === 'string') {
    if (key === 'value' || key === '$ref') return whole(data, replace);
    if (key === 'path')
      return data.replace(/"bulkId:([^"\\]+)"/g, (_, id: string) => JSON.stringify(replace(id)));
    return data;
  }
  if (Array.isArray(data)) return data.map((each) => inData(each, key, replace));
  if (!isValues(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([name, each]) => [name, inData(each, name.toLowerCase(), replace)]),
  );
}
