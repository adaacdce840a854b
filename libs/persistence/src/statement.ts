import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Prisma } from './generated/client.ts';
import { again } from './transaction.ts';

/** A value for a parameter; objects go as JSON text and need a cast in the statement. */
export type SqlValue = string | number | bigint | boolean | Date | null;

/** Statements run on any connection of the pool, or inside a transaction: of Prisma's, or on a connection of the pool. */
export type Runner =
  { readonly pool: pg.Pool } | { readonly tx: Prisma.TransactionClient } | { readonly client: pg.ClientBase };

/** A prepared statement, run with a value for each of its parameters. */
export interface Statement<P extends string> {
  readonly name: string;
  readonly text: string;
  /** The parameters in the order of $1, $2, … */
  readonly order: readonly P[];
}

const PARAMETER = /\$([a-z][a-z_]*)/g;

/**
 * A statement that each connection parses once and from then on only runs. Parameters are written as `$tenant` and become
 * $1, $2, … by first use. The name holds a digest of the text: two versions of Foyer behind one pooler never meet under
 * the same name. Composed only of texts of our own: whatever comes from outside is a parameter.
 */
export function statement<P extends string>(about: string, text: string): Statement<P> {
  const order: P[] = [];
  const numbered = text.replace(PARAMETER, (_all, name: P) => {
    if (!order.includes(name)) order.push(name);
    return `$${order.indexOf(name) + 1}`;
  });
  const digest = createHash('sha256').update(numbered).digest('hex').slice(0, 12);
  return { name: `foyer-${about}-${digest}`, text: numbered, order };
}

/** Runs it as one round trip. Outside of a transaction it is one by itself, and tried again as such. */
export async function run<R extends object, P extends string = string>(
  runner: Runner,
  { name, text, order }: Statement<P>,
  values: Readonly<Record<P, SqlValue>>,
): Promise<R[]> {
  const inOrder = order.map((parameter) => values[parameter]);
  if ('tx' in runner) return runner.tx.$queryRawUnsafe<R[]>(text, ...inOrder);
  if ('client' in runner) return (await runner.client.query<R>({ name, text, values: inOrder })).rows;
  return (await again(() => runner.pool.query<R>({ name, text, values: inOrder }))).rows;
}

/** A closed list of words of our own, as SQL: `'queued', 'running'`. */
export const wordList = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(', ');
