/** One fenced block of a document. `note` is the comment right before it, as `<!-- not run: REASON -->`. */
export interface Fence {
  readonly language: string;
  readonly text: string;
  /** The number of its first line, counted from 1. */
  readonly line: number;
  readonly note: string | null;
}

const OPENING = /^(\s*)```([a-z]*)\s*$/;
const COMMENT = /^\s*<!--\s*(.*?)\s*-->\s*$/;

/** The fenced blocks of a document, in order, without their indentation. */
export function fencesOf(markdown: string): Fence[] {
  const lines = markdown.split('\n');
  const fences: Fence[] = [];
  let note: string | null = null;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const opened = OPENING.exec(line);
    if (opened === null) {
      if (line.trim() !== '') note = COMMENT.exec(line)?.[1] ?? null;
      continue;
    }
    const [, indent = '', language = ''] = opened;
    const end = lines.findIndex((other, index) => index > at && other.trim() === '```');
    if (end === -1) throw new Error(`The block that begins in line ${at + 1} has no end.`);
    const text = lines
      .slice(at + 1, end)
      .map((body) => (body.startsWith(indent) ? body.slice(indent.length) : body));
    fences.push({ language, text: text.join('\n'), line: at + 1, note });
    note = null;
    at = end;
  }
  return fences;
}

/** Everything in single backquotes, outside of fenced blocks. */
export function codeOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^\s*```[\s\S]*?^\s*```\s*$/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}

/** The targets of links, outside of fenced blocks. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^\s*```[\s\S]*?^\s*```\s*$/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** The anchors of a document's headings, in GitHub's form. */
export const anchorsOf = (markdown: string): string[] =>
  markdown
    .replaceAll(/^\s*```[\s\S]*?^\s*```\s*$/gm, '')
    .split('\n')
    .flatMap((line) => {
      const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
      return heading === undefined ? [] : [anchorOf(heading)];
    });

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
