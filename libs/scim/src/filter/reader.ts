import { ScimError } from '../errors.ts';
import { quote } from '../schema/text.ts';
import { UnknownAttribute } from './unknown-attribute.ts';

/** The most characters of one filter or path. */
export const MAX_FILTER_LENGTH = 8_192;

const BLANKS = /[ \t\r\n]*/y;
const WORD = /[^ \t\r\n()[\]"]*/y;
const STRING = /"(?:[^"\\]|\\[^])*"/y;

/** Reads the text of a filter once, from left to right. */
export class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
    if (text.length > MAX_FILTER_LENGTH) {
      throw this.error(`It is longer than ${MAX_FILTER_LENGTH} characters.`);
    }
  }

  /** An error with its position; characters count from 1. */
  error(why: string): ScimError {
    return new ScimError(400, 'invalidFilter', this.because(why));
  }

  unknownAttribute(name: string): ScimError {
    return new UnknownAttribute(400, 'invalidFilter', this.because(`There is no attribute ${quote(name)}.`));
  }

  private because(why: string): string {
    return `The filter is wrong at character ${this.at + 1}: ${why}`;
  }

  skipBlanks(): void {
    this.match(BLANKS);
  }

  get isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  /** The next character, without consuming it. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  /** Consumes the character if it is next. */
  take(character: string): boolean {
    if (this.next !== character) return false;
    this.at += 1;
    return true;
  }

  expect(character: string): void {
    this.skipBlanks();
    if (!this.take(character)) throw this.error(`A "${character}" is missing.`);
  }

  /** Consumes everything up to a blank, a bracket or a quotation mark; '' when there is nothing. */
  word(): string {
    return this.match(WORD);
  }

  /** Consumes the word, in any case, if it is next. */
  takeWord(word: string): boolean {
    const from = this.at;
    if (this.word().toLowerCase() === word) return true;
    this.at = from;
    return false;
  }

  /** A JSON string (RFC 7159, section 7). */
  string(): string {
    const from = this.at;
    const token = this.match(STRING);
    try {
      return JSON.parse(token) as string;
    } catch {
      this.at = from;
      throw this.error('The text is not a complete JSON string.');
    }
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [''];
    this.at += found.length;
    return found;
  }
}
