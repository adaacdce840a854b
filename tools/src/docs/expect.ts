/** Compares the output in a document with the real one. Values that differ between runs are compared by their kind. */

const KINDS: readonly (readonly [RegExp, string])[] = [
  // Timestamps, as `2026-11-21T09:00:00.000Z`.
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`],
  // Box ids, counters of calls and the like: numbers of nine digits and more.
  [/(?<![\w.-])\d{9,}(?![\w-])/g, String.raw`\d{6,}`],
  // The digest in an entity tag, as `W/"1.8xOI5b9T"`.
  [/(?<=W\/\\?"\d+\.)[\w-]{8}/g, String.raw`[\w-]{8}`],
  // The part that a document leaves out.
  [/…/g, String.raw`[\s\S]*?`],
];
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const ANY_UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** The ids in a document, and the ids of this run that they stand for. */
export type Ids = Map<string, string>;

/** Replaces the ids that the document shows by the ids of this run. */
export const withIds = (text: string, ids: Ids): string =>
  text.replaceAll(UUID, (shown) => ids.get(shown) ?? shown);

/**
 * Whether `shown` is in what was `printed`, except for white space and values that differ between runs. An id that is
 * shown for the first time stands for the id printed in its place, from then on and in `ids`.
 */
export function shows(printed: string, shown: string, ids: Ids): boolean {
  const fresh: string[] = [];
  let pattern = '';
  let at = 0;
  const known = withIds(shown, ids);
  const actual = new Set(ids.values());
  for (const found of known.matchAll(UUID)) {
    pattern += patternOf(known.slice(at, found.index));
    at = found.index + found[0].length;
    const before = fresh.indexOf(found[0]);
    if (actual.has(found[0])) pattern += found[0];
    else if (before === -1) {
      fresh.push(found[0]);
      pattern += `(?<id${fresh.length - 1}>${ANY_UUID})`;
    } else pattern += String.raw`\k<id${before}>`;
  }
  pattern += patternOf(known.slice(at));
  const match = new RegExp(pattern).exec(plain(printed));
  if (match === null) return false;
  fresh.forEach((id, index) => ids.set(id, match.groups![`id${index}`]!));
  return true;
}

/** Text as a regular expression, with a pattern for each value that differs between runs. */
function patternOf(text: string): string {
  const cuts = KINDS.flatMap(([kind, pattern]) =>
    [...text.matchAll(kind)].map((found) => ({
      from: found.index,
      to: found.index + found[0].length,
      pattern,
    })),
  ).sort((one, other) => one.from - other.from);
  let [pattern, at] = ['', 0];
  for (const cut of cuts) {
    if (cut.from < at) continue;
    pattern += escaped(text.slice(at, cut.from)) + cut.pattern;
    at = cut.to;
  }
  return pattern + escaped(text.slice(at));
}

const plain = (text: string): string => text.replaceAll(/\s+/g, '');

const escaped = (text: string): string => plain(text).replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
