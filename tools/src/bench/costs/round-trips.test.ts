import pg from 'pg';
import { FrontendCounter, startCountingProxy } from './round-trips.ts';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';

it('counts a statement as one round trip, prepared or not, and a transaction as what it sends', async () => {
  const proxy = await startCountingProxy(server);
  const client = new pg.Client(proxy.url);
  try {
    await client.connect();
    expect(proxy.count()).toBe(0);
    await client.query('SELECT 1');
    expect(proxy.count()).toBe(1);
    await client.query('SELECT $1::int', [1]);
    for (let n = 0; n < 3; n++) await client.query({ name: 'one', text: 'SELECT $1::int', values: [n] });
    expect(proxy.count()).toBe(5);
    await client.query('BEGIN; SELECT 1; COMMIT');
    expect(proxy.count()).toBe(6);
    await client.query('SELECT length($1::text)', ['x'.repeat(200_000)]);
    expect(proxy.count()).toBe(7);
  } finally {
    await client.end();
    await proxy.close();
  }
});

it('counts messages however the stream is cut', () => {
  const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]);
  const sync = Buffer.from([...Buffer.from('S'), 0, 0, 0, 4]);
  const bind = Buffer.from([...Buffer.from('B'), 0, 0, 0, 9, ...Buffer.from('SQSQS')]);
  const counter = new FrontendCounter();
  for (const byte of Buffer.concat([startup, bind, sync, bind, sync])) counter.add(Buffer.from([byte]));
  expect(counter.waits).toBe(2);
});
