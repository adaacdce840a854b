import fc from 'fast-check';
import { ScimError, type ScimType } from './errors.ts';
import type { CompareOp, Filter } from './filter/filter.ts';
import { nameOf, resolveAttribute, type AttributeRef } from './schema/attribute-ref.ts';
import type { Attribute, ResourceType } from './schema/attribute.ts';
import { rootOf, userType } from './schema/resource-types.ts';
import { isKey } from './schema/forms.ts';
import { enterpriseUserSchema, userSchema } from './schema/user.ts';

export const USER = userSchema.id;
export const ENTERPRISE = enterpriseUserSchema.id;
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** Examples per property; FOYER_FUZZ_RUNS sets more. */
export const numRuns = Number(process.env.FOYER_FUZZ_RUNS ?? 300);

/** "400 invalidFilter" for a ScimError; any other error is rethrown. */
export function refusal(deed: () => unknown): string {
  try {
    return `not refused: ${JSON.stringify(deed())}`;
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return `${error.status} ${error.scimType}`;
  }
}

/** True if the call succeeds, or is refused with one of these types. */
export function isAnswered(deed: () => unknown, ...types: readonly (ScimType | null)[]): boolean {
  try {
    deed();
    return true;
  } catch (error) {
    return error instanceof ScimError && types.includes(error.scimType);
  }
}

/** Rows for `it.each`, each preceded by the beginning of its first value, for the title. */
export const titled = <Row extends readonly unknown[]>(...rows: readonly Row[]) =>
  rows.map((row) => [(JSON.stringify(row[0]) ?? 'undefined').slice(0, 100), ...row] as const);

export function ref(text: string, parent: ResourceType | Attribute = userType): AttributeRef {
  const found = resolveAttribute(text, 'endpoint' in parent ? rootOf(parent) : parent);
  if (found === null) throw new Error(`No such attribute: ${text}`);
  return found;
}

/** A filter as text, with all parentheses: the inverse of `parseFilter`. */
export function print(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.map((each) => `(${print(each)})`).join(` ${filter.kind} `);
    case 'not':
      return `not (${print(filter.filter)})`;
    case 'present':
      return `${nameOf(filter.attribute)} pr`;
    case 'compare':
      return `${nameOf(filter.attribute)} ${filter.op} ${JSON.stringify(filter.value)}`;
    case 'some':
      return `${nameOf(filter.attribute)}[${print(filter.filter)}]`;
  }
}

/** Few words, so that filters often match users. */
const words = fc.constantFrom('a', 'A', 'b', 'ab', 'Ab"c', '\\', 'é', 'work', 'home', '');
const anyWord = fc.oneof({ weight: 4, arbitrary: words }, { weight: 1, arbitrary: storable() });

const isNotBlank = (word: string): boolean => word.trim() !== '';

function storable() {
  return fc
    .string({ unit: 'binary', maxLength: 8 })
    .filter((text) => !text.includes('\0') && text.isWellFormed());
}

const dates = fc.constantFrom(
  '2020-01-01T00:00:00.000Z',
  '2021-06-30T12:00:00.000Z',
  '2022-12-31T23:59:59.999Z',
);

function comparison(attribute: AttributeRef): fc.Arbitrary<Filter> {
  const of = (
    ops: readonly CompareOp[],
    values: fc.Arbitrary<string | boolean | null>,
  ): fc.Arbitrary<Filter> =>
    fc.record({
      kind: fc.constant('compare' as const),
      op: fc.constantFrom(...ops),
      attribute: fc.constant(attribute),
      value: values,
    });
  const nothing = of(['eq', 'ne'], fc.constant(null));
  switch (attribute.leaf.type) {
    case 'boolean':
      return fc.oneof(of(['eq', 'ne'], fc.boolean()), nothing);
    case 'dateTime':
      return fc.oneof(of(['eq', 'ne', 'gt', 'ge', 'lt', 'le'], dates), nothing);
    default: {
      // Keys have no surrounding white space.
      const whole = isKey(attribute.leaf) ? anyWord.map((word) => word.trim()) : anyWord;
      return fc.oneof(
        of(['eq', 'ne', 'gt', 'ge', 'lt', 'le'], whole),
        of(['co', 'sw', 'ew'], anyWord),
        nothing,
      );
    }
  }
}

const compared = ['userName', 'active', 'name.givenName', 'emails.value', 'emails.primary', 'meta.created'];
const plain = [...compared, 'externalId', `${ENTERPRISE}:department`, `${ENTERPRISE}:manager.value`];
const emails = ref('emails');

const leafFilter = fc.oneof(
  fc.constantFrom(...plain).chain((name) => comparison(ref(name))),
  fc.constantFrom(...plain, 'emails', ENTERPRISE).map((name): Filter => ({
    kind: 'present',
    attribute: ref(name),
  })),
);
const elementFilter = fc
  .constantFrom('value', 'type', 'primary')
  .chain((name) => comparison(ref(name, emails.leaf)));

function combined(leaves: fc.Arbitrary<Filter>, depth: number): fc.Arbitrary<Filter> {
  if (depth === 0) return leaves;
  const inner = combined(leaves, depth - 1);
  return fc.oneof(
    leaves,
    fc.record({ kind: fc.constant('not' as const), filter: inner }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(inner, { minLength: 2, maxLength: 3 }),
    }),
  );
}

/** Filters of users, with resolved attributes. */
export const filters: fc.Arbitrary<Filter> = combined(
  fc.oneof(
    { weight: 3, arbitrary: leafFilter },
    {
      weight: 1,
      arbitrary: combined(elementFilter, 1).map((filter): Filter => ({
        kind: 'some',
        attribute: emails,
        filter,
      })),
    },
  ),
  3,
);

const email = fc.record(
  { value: anyWord.filter(isNotBlank), type: fc.constantFrom('work', 'home', 'WORK'), primary: fc.boolean() },
  { requiredKeys: ['value'] },
);

/** At most one element is primary. */
const onePrimary = <Element extends { primary?: boolean }>(all: readonly Element[]) => {
  const chosen = all.find(({ primary }) => primary);
  return all.map((each) => (each.primary && each !== chosen ? { ...each, primary: false } : each));
};

/** Users in their stored form: names of the schema, nothing empty. */
export const users = fc
  .record(
    {
      userName: words.map((word) => `u${word}`),
      externalId: words.filter(isNotBlank),
      active: fc.boolean(),
      name: fc.record({ givenName: anyWord }),
      emails: fc
        .uniqueArray(email, {
          minLength: 1,
          maxLength: 3,
          selector: ({ value, type }) => `${value.toLowerCase()} ${type?.toLowerCase() ?? ''}`,
        })
        .map(onePrimary),
      meta: fc.record({ created: dates }),
      [ENTERPRISE]: fc.record({ department: anyWord }),
    },
    { requiredKeys: ['userName'] },
  )
  .map((user) => ({ ...user, schemas: ENTERPRISE in user ? [USER, ENTERPRISE] : [USER] }));
