import type { AttributeRef } from '../schema/attribute-ref.ts';

export type CompareOp = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/**
 * A filter of RFC 7644, section 3.4.2.2, with resolved attributes. Its meaning, here and in SQL:
 * - An attribute has a list of values: each value of a multi-valued one, and one null for each missing value; an
 *   attribute that is missing altogether has one null. A comparison is true if it is true for ANY of them.
 * - For null only `eq null` and `ne VALUE` are true; `ne X` of one value is the opposite of `eq X`.
 * - `present`: any value that is neither null nor empty ("", no elements, no sub-attributes).
 * - `some`: any element for which the filter is true, with references relative to the element; false without elements.
 * - Text is compared by `compared` (folded unless the attribute is caseExact), and ordered by code points. A dateTime
 *   is an instant, in UTC, to the millisecond.
 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'present'; readonly attribute: AttributeRef }
  | {
      readonly kind: 'compare';
      readonly op: CompareOp;
      readonly attribute: AttributeRef;
      readonly value: string | number | boolean | null;
    }
  | { readonly kind: 'some'; readonly attribute: AttributeRef; readonly filter: Filter };
