import { subAttribute, type Attribute } from './attribute.ts';

/**
 * One attribute, resolved against the schema. `steps` are the JSON keys from the resource, with an extension's URN as
 * one step, or from the element inside `[...]`.
 */
export interface AttributeRef {
  readonly steps: readonly { readonly key: string; readonly multiValued: boolean }[];
  readonly leaf: Attribute;
}

/**
 * Resolves `userName`, `name.givenName`, `urn:…:User:userName` or an extension's URN, in any case; null when the
 * attribute does not exist. `parent` is a resource (`rootOf`) or the attribute before `[...]`. RFC 7644, section 3.10.
 */
export function resolveAttribute(text: string, parent: Attribute): AttributeRef | null {
  const own = isUrn(parent.name) ? (afterUrn(text, parent.name) ?? text) : text;
  const extension = parent.subAttributes?.find(({ name }) => isUrn(name) && afterUrn(own, name) !== null);
  if (extension === undefined) return descend({ steps: [], leaf: parent }, own.split('.'));
  const whole = stepInto({ steps: [], leaf: parent }, extension);
  const rest = afterUrn(own, extension.name);
  return rest === null || rest === '' ? whole : descend(whole, rest.split('.'));
}

/** The same for a comparison: `emails` means `emails.value` (RFC 7644, section 3.4.2.2). */
export function withImplicitValue(ref: AttributeRef): AttributeRef {
  const value = subAttribute(ref.leaf, 'value');
  return value === null ? ref : stepInto(ref, value);
}

/** The attribute's name for messages. */
export const nameOf = ({ steps }: AttributeRef): string =>
  steps.map(({ key }, at) => (at === 0 ? key : `${isUrn(steps[at - 1]!.key) ? ':' : '.'}${key}`)).join('');

const isUrn = (name: string) => name.startsWith('urn:');

/** The text after the URN and its colon; '' for the URN itself; null when the text does not begin with it. */
function afterUrn(text: string, urn: string): string | null {
  if (text.slice(0, urn.length).toLowerCase() !== urn.toLowerCase()) return null;
  if (text.length === urn.length) return '';
  return text[urn.length] === ':' && text.length > urn.length + 1 ? text.slice(urn.length + 1) : null;
}

function stepInto({ steps }: AttributeRef, leaf: Attribute): AttributeRef {
  return { steps: [...steps, { key: leaf.name, multiValued: leaf.multiValued }], leaf };
}

function descend(from: AttributeRef, names: readonly string[]): AttributeRef | null {
  let ref = from;
  for (const name of names) {
    const next = subAttribute(ref.leaf, name);
    if (next === null) return null;
    ref = stepInto(ref, next);
  }
  return ref;
}
