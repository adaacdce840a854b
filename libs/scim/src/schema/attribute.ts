/** The definition of one attribute: RFC 7643, section 7. */
export interface Attribute {
  readonly name: string;
  readonly type:
    'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'binary' | 'reference' | 'complex';
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly canonicalValues?: readonly string[];
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly Attribute[];
  /**
   * Set for attributes by which resources are found: they are stored without surrounding white space, and compared as
   * forms.ts defines. A field of our own, which is not published.
   */
  readonly form?: 'key' | 'user-name' | 'group-name';
}

/** RFC 7643, section 7. `id` is the schema's URN. */
export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

/** RFC 7643, section 6. */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  readonly endpoint: '/Users' | '/Groups';
  readonly schema: Schema;
  readonly extensions: readonly { readonly schema: Schema; readonly required: boolean }[];
}

type Details = Partial<Omit<Attribute, 'name' | 'description'>>;

/** An attribute with the defaults of RFC 7643, section 2.2; references (section 2.3.7) and binary are case exact. */
export const attribute = (name: string, description: string, details: Details = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: details.type === 'reference' || details.type === 'binary',
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...details,
});

/** The sub-attribute of that name, which is case insensitive (RFC 7643, section 2.1). */
export function subAttribute(parent: Attribute, name: string): Attribute | null {
  let byName = subAttributes.get(parent);
  if (byName === undefined) {
    byName = new Map(parent.subAttributes?.map((each) => [each.name.toLowerCase(), each]));
    subAttributes.set(parent, byName);
  }
  return byName.get(name) ?? byName.get(name.toLowerCase()) ?? null;
}

/** Cached, because every attribute name of every member of a group is looked up here. */
const subAttributes = new WeakMap<Attribute, ReadonlyMap<string, Attribute>>();
