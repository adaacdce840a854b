import type pg from 'pg';

/** What is asked of a connection rather than of the data: it cannot be a statement with values. */

/** From now on, the connection gets the notifications of these channels. */
export async function listenTo(client: pg.ClientBase, channels: readonly string[]): Promise<void> {
  await client.query(channels.map((channel) => `LISTEN ${channel}`).join('; '));
}

/** Throws, and the connection ends, when it does not answer within `limitMs`. */
export async function pingOver(client: pg.ClientBase, limitMs: number): Promise<void> {
  const ping = { text: 'SELECT 1', query_timeout: limitMs };
  await client.query(ping);
}
