import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Prisma } from '../generated/client.ts';
import { again } from './transaction.ts';

/** A value for a parameter; pass objects as JSON text with a cast in the statement, and sets as arrays for `unnest`. */
export type SqlValue =
  string | number | bigint | boolean | Date | Buffer | null | readonly (string | number | null)[];

/** Where a statement runs: on any connection of the pool, in a Prisma transaction, or on a given connection. */
export type Runner =
  { readonly pool: pg.Pool } | { readonly tx: Prisma.TransactionClient } | { readonly client: pg.ClientBase };

/** A statement, run with a value for each of its parameters. */
export interface Statement<P extends string> {
  /** Null: it is planned each time. */
  readonly name: string | null;
  readonly text: string;
  /** The parameters in the order of $1, $2, … */
  readonly order: readonly P[];
}

/** Or a literal, in which nothing is a parameter. */
const PARAMETER = /'[^']*'|\$([a-z][a-z_0-9]*)/g;

/**
 * A statement that each connection parses only once. Parameters are written as `$tenant` and become $1, $2, … in the
 * order of their first use. The name contains a digest of the text, so that two versions of Foyer behind one connection
 * pooler never share a name. Composed only of our own texts: every outside value is a parameter.
 */
export function statement<P extends string>(about: string, text: string): Statement<P> {
  const planned = setStatement<P>(about, text);
  return { ...planned, name: preparedName(about, planned.text) };
}

/** The name under which a connection keeps the text. */
const preparedName = (about: string, text: string): string =>
  `foyer-${about}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;

/**
 * As `statement`, planned each time: for sets, because a plan for few rows is a hundred times slower with many. It has
 * no name, so what it is about is only for the reader.
 */
export function setStatement<P extends string>(_about: string, text: string): Statement<P> {
  const order: P[] = [];
  const numbered = text.replace(PARAMETER, (all, name: P | undefined) => {
    if (name === undefined) return all;
    if (!order.includes(name)) order.push(name);
    return `$${order.indexOf(name) + 1}`;
  });
  return { name: null, text: numbered, order };
}

/**
 * Runs the statement in one round trip. Outside a transaction it is a transaction by itself, and is retried as such.
 */
export async function run<R extends object, P extends string = string>(
  runner: Runner,
  { name, text, order }: Statement<P>,
  values: Readonly<Record<P, SqlValue>>,
): Promise<R[]> {
  const inOrder = order.map((parameter) => values[parameter]);
  if ('tx' in runner) return runner.tx.$queryRawUnsafe<R[]>(text, ...inOrder);
  const query = { text, values: inOrder, ...(name !== null && { name }) };
  if ('client' in runner) return (await runner.client.query<R>(query)).rows;
  return (await again(() => runner.pool.query<R>(query))).rows;
}

/** A closed list of our own words, as SQL: `'queued', 'running'`. */
export const wordList = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');
