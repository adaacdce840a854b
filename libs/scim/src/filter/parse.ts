import { ScimError } from '../errors.ts';
import { nameOf, resolveAttribute, withImplicitValue, type AttributeRef } from '../schema/attribute-ref.ts';
import type { Attribute, ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import { quote } from '../schema/text.ts';
import { comparedValue, isCompareOp } from './comparison.ts';
import type { Filter } from './filter.ts';
import { Reader } from './reader.ts';

/** The most comparisons in one filter. */
export const MAX_FILTER_CLAUSES = 100;
/** The deepest nesting of parentheses and brackets. */
export const MAX_FILTER_DEPTH = 50;

/**
 * Parses a filter of RFC 7644, section 3.4.2.2. Throws ScimError 400 `invalidFilter`, and 403 `sensitive` for an
 * attribute that is never returned.
 */
export function parseFilter(text: string, type: ResourceType): Filter {
  const reader = new Reader(text);
  const filter = new FilterParser(reader).filter(rootOf(type));
  reader.skipBlanks();
  if (!reader.isAtEnd) throw reader.error('The filter should end here, or go on with "and" or "or".');
  return filter;
}

/** Parses a filter in brackets and the closing `]`, with the reader after the `[`. */
export const parseElementFilter = (reader: Reader, attribute: AttributeRef): Filter =>
  new FilterParser(reader).elementFilter(attribute);

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const literals = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** One method per rule of the grammar: recursive descent, never deeper than MAX_FILTER_DEPTH. */
class FilterParser {
  private readonly reader: Reader;
  private depth = 0;
  private clauses = 0;

  constructor(reader: Reader) {
    this.reader = reader;
  }

  /** `parent` is what names are resolved against: the resource, or the attribute before `[`. */
  filter(parent: Attribute): Filter {
    return this.chain('or', () => this.chain('and', () => this.factor(parent)));
  }

  elementFilter(attribute: AttributeRef): Filter {
    if (attribute.leaf.type !== 'complex') {
      throw this.reader.error(`${nameOf(attribute)} has no sub-attributes.`);
    }
    return this.nested(attribute.leaf, ']');
  }

  private chain(kind: 'and' | 'or', operand: () => Filter): Filter {
    const filters = [operand()];
    for (this.reader.skipBlanks(); this.reader.takeWord(kind); this.reader.skipBlanks()) {
      filters.push(operand());
    }
    return filters.length === 1 ? filters[0]! : { kind, filters };
  }

  private factor(parent: Attribute): Filter {
    const { reader } = this;
    reader.skipBlanks();
    if (reader.take('(')) return this.nested(parent, ')');
    const from = reader.at;
    if (reader.takeWord('not')) {
      reader.skipBlanks();
      if (reader.take('(')) return { kind: 'not', filter: this.nested(parent, ')') };
      reader.at = from;
    }
    return this.expression(parent);
  }

  private nested(parent: Attribute, end: ')' | ']'): Filter {
    this.depth += 1;
    if (this.depth > MAX_FILTER_DEPTH)
      throw this.reader.error(`The filter is nested deeper than ${MAX_FILTER_DEPTH}.`);
    const filter = this.filter(parent);
    this.reader.expect(end);
    this.depth -= 1;
    return filter;
  }

  private expression(parent: Attribute): Filter {
    const attribute = this.attribute(this.reader.word(), parent);
    if (!this.reader.take('[')) return this.comparison(attribute);
    const filter = this.elementFilter(attribute);
    if (this.reader.next !== '.') return { kind: 'some', attribute, filter };
    // emails[type eq "work"].value co "@": the comparison is another condition on the same element.
    const comparison = this.comparison(this.attribute(this.reader.word().slice(1), attribute.leaf));
    return { kind: 'some', attribute, filter: { kind: 'and', filters: [filter, comparison] } };
  }

  private attribute(word: string, parent: Attribute): AttributeRef {
    const { reader } = this;
    if (word === '') throw reader.error('The name of an attribute is missing.');
    const ref = resolveAttribute(word, parent);
    if (ref === null) throw reader.unknownAttribute(word);
    if (ref.leaf.returned === 'never') {
      throw new ScimError(403, 'sensitive', `Filters do not support ${nameOf(ref)}.`);
    }
    return ref;
  }

  private comparison(named: AttributeRef): Filter {
    const { reader } = this;
    this.clauses += 1;
    if (this.clauses > MAX_FILTER_CLAUSES) {
      throw reader.error(`The filter has more than ${MAX_FILTER_CLAUSES} comparisons.`);
    }
    reader.skipBlanks();
    const word = reader.word();
    const op = word.toLowerCase();
    if (op === 'pr') return { kind: 'present', attribute: named };
    if (!isCompareOp(op)) {
      throw reader.error(word === '' ? 'An operator is missing.' : `There is no operator ${quote(word)}.`);
    }
    const attribute = withImplicitValue(named);
    const compared = comparedValue(op, attribute.leaf, this.value());
    if ('why' in compared) throw reader.error(`${nameOf(attribute)}: ${compared.why}`);
    return { kind: 'compare', op, attribute, value: compared.value };
  }

  private value(): string | number | boolean | null {
    const { reader } = this;
    reader.skipBlanks();
    if (reader.next === '"') return reader.string();
    const word = reader.word();
    const literal = literals.get(word.toLowerCase());
    if (literal !== undefined) return literal;
    if (NUMBER.test(word)) return Number(word);
    throw reader.error(
      word === '' ? 'A value is missing.' : `${quote(word)} is not a value; put text in quotation marks.`,
    );
  }
}
