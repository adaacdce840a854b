import { groupType, PROVISIONING_URN, userType, type Attribute, type ResourceType } from '@foyer/scim';
import fc from 'fast-check';

/**
 * Shared by property tests of the SCIM server: the number of examples, and filters and resources generated from the
 * schema.
 */

/** The examples per property. */
export const fuzzRuns = (few: number): number => Number(process.env.FOYER_FUZZ_RUNS ?? few);

/**
 * Few enough words that filters match resources: letters with difficult case mappings, characters that SQL and JSON
 * escape, and characters beyond the first 65 536, which UTF-16 sorts before U+FFFD.
 */
export const words = fc.constantFrom(
  ...[
    'a',
    'A',
    'b',
    'ab',
    'work',
    'home',
    'WORK',
    'é',
    'É',
    'ß',
    'İ',
    'i',
    'Σ',
    'σας',
    'ΣΑΣ',
    '😀',
    '\uFFFD',
  ],
  ...['%', '_', "'", '"', '\\', "';--", '$1', 'a b', 'null', 'true', '0'],
);

const PROVISIONING = `${PROVISIONING_URN}:`;
const meta = ['meta.resourceType', 'meta.created', 'meta.lastModified', 'meta.version'];
const whole = (name: string): { readonly name: string; readonly type: Attribute['type'] } => ({
  name,
  type: /created|lastModified/.test(name) ? 'dateTime' : 'string',
});

/** Addresses are in responses only. */
const isSearched = ({ name, returned }: Attribute): boolean =>
  returned !== 'never' && name !== '$ref' && name !== 'request';

interface Compared {
  readonly name: string;
  readonly type: Attribute['type'];
}
interface Multi {
  readonly name: string;
  readonly subs: readonly Compared[];
}

const partsOf = (prefix: string, attributes: readonly Attribute[]): readonly Compared[] =>
  attributes.filter(isSearched).flatMap((each) => {
    if (each.type !== 'complex') return [{ name: `${prefix}${each.name}`, type: each.type }];
    return partsOf(`${prefix}${each.name}.`, each.subAttributes ?? []);
  });

const multisOf = (prefix: string, attributes: readonly Attribute[]): readonly Multi[] =>
  attributes
    .filter(({ type, multiValued }) => type === 'complex' && multiValued)
    .map(({ name, subAttributes }) => ({ name: `${prefix}${name}`, subs: partsOf('', subAttributes ?? []) }));

const schemasOf = ({ schema, extensions }: ResourceType) => [
  ['', schema] as const,
  ...extensions.map((each) => [`${each.schema.id}:`, each.schema] as const),
];

/** Each attribute of the type that a filter may compare, and each multi-valued one that a filter may search. */
export function searched(type: ResourceType) {
  const compared = [
    ...['id', 'externalId', 'schemas', ...meta].map(whole),
    ...schemasOf(type).flatMap(([prefix, { attributes }]) => partsOf(prefix, attributes)),
  ];
  const multi = schemasOf(type).flatMap(([prefix, { attributes }]) => multisOf(prefix, attributes));
  const present = ['name', 'meta', 'emails', 'groups', 'members', 'addresses', PROVISIONING.slice(0, -1)];
  return {
    compared,
    multi,
    present: present.filter((name) => name !== (type === userType ? 'members' : '')),
  };
}

/** Filters of the type as text. `values` are texts of the existing resources, so that filters match some. */
export function filterTexts(type: ResourceType, values: readonly string[]): fc.Arbitrary<string> {
  const { compared, multi } = searched(type);
  const texts = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...values) },
    { weight: 2, arbitrary: words },
  );
  const leaf = (from: readonly Compared[]): fc.Arbitrary<string> =>
    fc
      .constantFrom(...from)
      .chain((each) => fc.oneof(comparison(each, texts), fc.constant(`${each.name} pr`)));
  const inside = fc
    .constantFrom(...multi)
    .chain(({ name, subs }) => combined(leaf(subs), 1).map((filter) => `${name}[${filter}]`));
  const wholes = fc
    .constantFrom(
      ...multi.map(({ name }) => name),
      'meta',
      ...(type === groupType ? [] : ['name', 'addresses']),
    )
    .map((name) => `${name} pr`);
  return combined(
    fc.oneof({ weight: 4, arbitrary: leaf(compared) }, { weight: 2, arbitrary: inside }, wholes),
    2,
  );
}

function comparison({ name, type }: Compared, texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const nothing = fc.constantFrom('eq', 'ne').map((op) => `${name} ${op} null`);
  const of = (ops: readonly string[], values: fc.Arbitrary<unknown>) =>
    fc.tuple(fc.constantFrom(...ops), values).map(([op, value]) => `${name} ${op} ${JSON.stringify(value)}`);
  const orders = ['gt', 'ge', 'lt', 'le'];
  if (type === 'boolean') return fc.oneof(of(['eq', 'ne'], fc.boolean()), nothing);
  if (type === 'dateTime') {
    const times = fc.constantFrom(
      '2020-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      new Date().toISOString(),
    );
    return fc.oneof(of(['eq', 'ne', ...orders], times), nothing);
  }
  const parts = type === 'binary' ? ['eq', 'ne', 'co'] : ['eq', 'ne', 'co', 'sw', 'ew', ...orders];
  return fc.oneof({ weight: 5, arbitrary: of(parts, texts) }, { weight: 1, arbitrary: nothing });
}

function combined(leaves: fc.Arbitrary<string>, depth: number): fc.Arbitrary<string> {
  if (depth === 0) return leaves;
  const inner = combined(leaves, depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: leaves },
    { weight: 1, arbitrary: inner.map((filter) => `not (${filter})`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(inner, fc.constantFrom(' and ', ' or ', ' AND '), inner)
        .map((parts) => parts.join('')),
    },
  );
}

const value = (type: Attribute['type']): fc.Arbitrary<unknown> => {
  if (type === 'boolean') return fc.boolean();
  if (type === 'binary') return fc.constantFrom('YQ==', 'YWI=');
  if (type === 'reference') return fc.constantFrom('https://example.com/a', '/b', 'urn:x');
  return words;
};

/** Values that a client could send for the attributes, each present or absent. */
function bodyOf(attributes: readonly Attribute[]): fc.Arbitrary<Record<string, unknown>> {
  const settable = attributes.filter(
    ({ name, mutability }) => mutability !== 'readOnly' && name !== 'members',
  );
  const fields = settable.map((each) => {
    const one: fc.Arbitrary<unknown> =
      each.type === 'complex'
        ? bodyOf(each.subAttributes!.filter(({ name }) => name !== 'primary'))
        : value(each.type);
    return [each.name, each.multiValued ? fc.array(one, { maxLength: 3 }) : one] as const;
  });
  const required = settable.filter((each) => each.required).map(({ name }) => name);
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

/** Bodies of people, without `schemas`, `userName` and `externalId`. */
export const userBodies: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    bodyOf(userType.schema.attributes.filter(({ name }) => name !== 'externalId')),
    fc.option(bodyOf(userType.extensions[0]!.schema.attributes)),
  )
  .map(([user, enterprise]) => ({
    ...user,
    ...(enterprise && { [userType.extensions[0]!.schema.id]: enterprise }),
  }));
