/** The size of a run: the bar applies to `full`; `small` only shows that the figure works. */
export type Scale = 'full' | 'small';

/** One line of a figure's details, such as a statement and how often it runs. */
export interface Item {
  readonly what: string;
  readonly count: number;
}

/** One figure: its value, the bar that it must meet, and the measurements behind it. */
export interface Figure {
  /** Describes what is compared, and at which size. */
  readonly name: string;
  readonly value: number;
  readonly bar: string;
  readonly met: boolean;
  readonly detail: Readonly<Record<string, number>>;
  readonly list?: readonly Item[];
}

/** A figure that `npm run bench -- --only NAME` can select. */
export interface Measurement {
  readonly name: string;
  /** For `--list`: what it measures, and the bar. */
  readonly about: string;
  readonly measure: (scale: Scale, say: (line: string) => void) => Promise<Figure[]>;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** A figure that must not be above its bar. */
export const atMost = (name: string, value: number, bar: number, detail: Record<string, number>): Figure => ({
  name,
  value: round(value),
  bar: `at most ${bar}`,
  met: value <= bar,
  detail: Object.fromEntries(Object.entries(detail).map(([key, number]) => [key, round(number)])),
});

/** A figure that must not be below its bar. */
export const atLeast = (
  name: string,
  value: number,
  bar: number,
  detail: Record<string, number>,
): Figure => ({
  ...atMost(name, value, bar, detail),
  bar: `at least ${bar}`,
  met: value >= bar,
});

/** For names of figures: 20000 as `20 000`. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
