import { ScimError } from '../errors.ts';
import { subAttribute, type Attribute } from '../schema/attribute.ts';
import { isKey } from '../schema/forms.ts';
import { fold, isStorable, quote, readBoolean, readDateTime } from '../schema/text.ts';

/** The most UTF-16 units of a text. */
export const MAX_TEXT_LENGTH = 1_024;
/** The most UTF-16 units of an address or of binary data, such as a picture or a certificate. */
export const MAX_LONG_TEXT_LENGTH = 65_536;
/** The most values of one attribute. */
export const MAX_VALUES = 100;
/** The most members in one list. */
export const MAX_MEMBERS = 20_000;

/** A JSON object with the names of the schema. */
export type Values = Readonly<Record<string, unknown>>;

export const isValues = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const invalidSyntax = (why: string): ScimError => new ScimError(400, 'invalidSyntax', why);

export const invalidValue = (path: string, why: string): ScimError =>
  new ScimError(400, 'invalidValue', `${path}: ${why}`);

/** The path of a sub-attribute in messages. `path` is its parent's. */
export function pathTo(parent: Attribute, path: string, name: string): string {
  if (path === '') return name;
  return parent.name.startsWith('urn:') ? `${path}:${name}` : `${path}.${name}`;
}

/** Attributes that clients cannot set: read-only ones, and the password, which is not even read. */
export const isIgnored = ({ mutability }: Attribute): boolean =>
  mutability === 'readOnly' || mutability === 'writeOnly';

/**
 * Checks one attribute of a body and returns it with the schema's names, without parts that clients cannot set.
 * Undefined when it is unassigned: null, no elements or no sub-attributes (RFC 7643, section 2.5). Throws ScimError
 * 400.
 */
export function readAttribute(attribute: Attribute, value: unknown, path: string): unknown {
  if (isIgnored(attribute) || value === null || value === undefined) return undefined;
  if (!attribute.multiValued) return readSingle(attribute, value, path);
  if (!Array.isArray(value)) throw invalidValue(path, 'must be a list.');
  return assigned(checkElements(attribute, readElements(attribute, value, path), path));
}

/** One value of the attribute, multi-valued or not. */
export function readSingle(attribute: Attribute, value: unknown, path: string): unknown {
  if (attribute.type === 'complex') return assigned(readComplex(attribute, value, path));
  const read = simple[attribute.type](value);
  if (typeof read === 'object') throw invalidValue(path, read.why);
  if (typeof read !== 'string') return read;
  const text = read.trim();
  if (attribute.required && text === '') throw invalidValue(path, 'must not be blank.');
  if (!isKey(attribute)) return read;
  // A key is stored as it is searched: surrounding white space would prevent matches, and an empty key counts as none.
  return text === '' ? undefined : text;
}

/** The elements of a list, with those of the same value and type merged. */
export function readElements(attribute: Attribute, values: readonly unknown[], path: string): unknown[] {
  const max = attribute.name === 'members' ? MAX_MEMBERS : MAX_VALUES;
  if (values.length > max) throw invalidValue(path, `has more than ${max} values.`);
  const elements = values.map((each) => {
    if (each === null) throw invalidValue(path, 'has a null value.');
    return isEmptied(attribute, each) ? undefined : readSingle(attribute, each, path);
  });
  return mergeSame(
    attribute,
    elements.filter((each) => each !== undefined),
  );
}

/** Whether the element is empty: null, or blank text. */
function isEmptied(attribute: Attribute, element: unknown): boolean {
  const value = subAttribute(attribute, 'value');
  if (value === null || value.required || !isValues(element)) return false;
  const given = Object.entries(element).find(([key]) => subAttribute(attribute, key) === value)?.[1];
  return given === null || (typeof given === 'string' && given.trim() === '');
}

/** Removes the elements of e-mails, telephone numbers and the like that have no value (any more). */
export function withoutEmptyElements(document: Values, root: Attribute): Values {
  const entries = Object.entries(document).flatMap(([key, given]) => {
    const attribute = subAttribute(root, key);
    const value = attribute && subAttribute(attribute, 'value');
    if (!Array.isArray(given) || !value || value.required) return [[key, given] as const];
    const kept = given.filter((each) => isValues(each) && !isEmptied(attribute, { value: null, ...each }));
    return kept.length === 0 ? [] : [[key, kept] as const];
  });
  return Object.fromEntries(entries);
}

/** Merges elements with the same (type, value): RFC 7643, section 2.4. The later one's sub-attributes win. */
export function mergeSame(attribute: Attribute, elements: readonly unknown[]): unknown[] {
  const exact = subAttribute(attribute, 'value')?.caseExact ?? attribute.caseExact;
  const keyOf = (element: unknown): unknown => {
    if (typeof element === 'string') return exact ? element : fold(element);
    if (!isValues(element)) return element;
    const { value, type } = element;
    if (typeof value !== 'string') return JSON.stringify(element);
    const compared = exact ? value : fold(value);
    // The length shows where the value ends and the type begins.
    return `${compared.length} ${compared} ${typeof type === 'string' ? fold(type) : ''}`;
  };
  const merged = new Map<unknown, unknown>();
  for (const element of elements) {
    const key = keyOf(element);
    const same = merged.get(key);
    merged.set(key, isValues(same) && isValues(element) ? { ...same, ...element } : element);
  }
  return [...merged.values()];
}

/** Refuses too many elements, and more than one primary element (RFC 7643, section 2.4). */
export function checkElements(attribute: Attribute, elements: unknown[], path: string): unknown[] {
  const max = attribute.name === 'members' ? MAX_MEMBERS : MAX_VALUES;
  if (elements.length > max) throw invalidValue(path, `has more than ${max} values.`);
  if (elements.filter(isPrimary).length > 1) throw invalidValue(path, 'has more than one primary value.');
  return elements;
}

export const isPrimary = (element: unknown): element is Values =>
  isValues(element) && element.primary === true;

/** Undefined when the object or list is empty. */
export function assigned<T extends Values | readonly unknown[]>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

/** The sub-attributes of an object by the schema's names: all known, and none given twice in different case. */
export function entriesOf(attribute: Attribute, value: unknown, path: string): [Attribute, unknown][] {
  if (!isValues(value)) throw invalidValue(path || 'The resource', 'must be an object.');
  const found = new Set<Attribute>();
  return Object.entries(value).map(([key, each]) => {
    const sub = subAttribute(attribute, key);
    if (sub === null) throw invalidSyntax(`There is no attribute ${quote(pathTo(attribute, path, key))}.`);
    if (found.has(sub)) throw invalidSyntax(`${pathTo(attribute, path, sub.name)} occurs twice.`);
    found.add(sub);
    return [sub, each];
  });
}

function readComplex(attribute: Attribute, value: unknown, path: string): Values {
  const values: Record<string, unknown> = {};
  for (const [sub, each] of entriesOf(attribute, value, path)) {
    const read = readAttribute(sub, each, pathTo(attribute, path, sub.name));
    if (read !== undefined) values[sub.name] = read;
  }
  const missing = attribute.subAttributes?.find(
    ({ name, required }) => required && values[name] === undefined,
  );
  if (missing !== undefined) throw invalidValue(pathTo(attribute, path, missing.name), 'is required.');
  return values;
}

type Simple = string | number | boolean | { readonly why: string };

const text =
  (max: number, problem: (text: string) => string | null = () => null) =>
  (value: unknown): Simple => {
    if (typeof value !== 'string') return { why: 'must be a string.' };
    if (value.length > max) return { why: `is longer than ${max} characters.` };
    if (!isStorable(value)) return { why: 'must be well-formed text without NUL.' };
    const why = problem(value);
    return why === null ? value : { why };
  };

/** RFC 7643, section 2.3. */
const simple: Readonly<Record<Exclude<Attribute['type'], 'complex'>, (value: unknown) => Simple>> = {
  string: text(MAX_TEXT_LENGTH),
  boolean: (value) => readBoolean(value) ?? { why: 'must be true or false.' },
  integer: (value) => (Number.isSafeInteger(value) ? (value as number) : { why: 'must be an integer.' }),
  decimal: (value) => (typeof value === 'number' ? value : { why: 'must be a number.' }),
  dateTime: text(MAX_TEXT_LENGTH, (value) =>
    readDateTime(value) === null ? 'must be a date and time, such as 2026-01-31T12:00:00Z.' : null,
  ),
  binary: text(MAX_LONG_TEXT_LENGTH, (value) =>
    /^[A-Za-z0-9+/_-]*={0,2}$/.test(value) ? null : 'must be base64.',
  ),
  reference: text(MAX_LONG_TEXT_LENGTH, (value) =>
    !/\s/.test(value) && URL.canParse(value, 'https://relative.example.com/') ? null : 'must be a URI.',
  ),
};
