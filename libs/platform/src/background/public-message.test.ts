import { publicMessage } from './public-message.ts';

it.each([
  ['connect to redis://:hunter2@cache:6379/0 failed', 'connect to [address] failed'],
  ['no route to 10.1.2.3:5432 or db.internal:5432', 'no route to [address] or [address]'],
  ['no route to fe80:0:0:1::2', 'no route to [address]'],
  ['ada.lovelace@example.com is there twice', '[address] is there twice'],
  ['Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMHUifQ.c2ln is refused', 'Bearer [redacted] is refused'],
  ['\nInvalid `query()` in\n/app/libs/x.ts:1\n\nThe column is missing.', 'The column is missing.'],
  ['word '.repeat(100), `${'word '.repeat(100).slice(0, 159)}…`],
])('keeps what is private out of %j', (message, shown) => {
  expect(publicMessage(new Error(message))).toBe(shown);
});

it('names no server that is unavailable', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED db:5432'), { code: 'ECONNREFUSED' });
  expect(publicMessage(error)).toBe('A server that it needs is unavailable.');
});
