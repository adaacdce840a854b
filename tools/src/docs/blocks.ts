import { fencesOf, type Fence } from './markdown.ts';

/** What a comment before a block may say about it. */
const NOTES = {
  /** The block cannot be run; the rest of the note is the reason. */
  notRun: /^not run: (\S.*)$/,
  /** The block is a file of this name, for the commands that follow. */
  file: /^file: (\S+)$/,
  /** The block shows an example, not the output of the commands before it; the rest is the reason. */
  example: /^an example: (\S.*)$/,
  /** The commands are repeated until they print the shown output. */
  until: /^repeated until it is so$/,
} as const;

export interface Step {
  readonly line: number;
  readonly text: string;
  readonly kind: 'run' | 'file' | 'not run';
  /** The name of the file, or the reason why it is not run. */
  readonly detail: string;
  /** The output that the document shows; null when it shows none. */
  readonly shown: string | null;
  readonly isRepeated: boolean;
}

const isShell = ({ language }: Fence): boolean => language === 'sh';
/** Languages in which documents show output. */
const isOutput = ({ language }: Fence): boolean => ['text', 'json', 'http'].includes(language);

/** How to test each block of a document, in order. Throws for a note that is not known. */
export function stepsOf(markdown: string): Step[] {
  const fences = fencesOf(markdown);
  return fences.flatMap((fence, at) => {
    const { note, line, text } = fence;
    if (note !== null && !Object.values(NOTES).some((known) => known.test(note)) && isNoted(fence))
      throw new Error(`Line ${line}: the comment "${note}" says nothing of the block.`);
    const file = NOTES.file.exec(note ?? '')?.[1];
    if (file !== undefined) return [step(fence, 'file', file)];
    if (!isShell(fence)) return [];
    const reason = NOTES.notRun.exec(note ?? '')?.[1];
    if (reason !== undefined) return [step(fence, 'not run', reason)];
    const next = fences[at + 1];
    const shown = next !== undefined && isOutput(next) && next.note === null ? next.text : null;
    return [{ ...step(fence, 'run', ''), shown, isRepeated: NOTES.until.test(note ?? ''), text }];
  });
}

const isNoted = (fence: Fence): boolean => isShell(fence) || isOutput(fence);

const step = ({ line, text }: Fence, kind: Step['kind'], detail: string): Step => ({
  ...{ line, text, kind, detail },
  shown: null,
  isRepeated: false,
});
