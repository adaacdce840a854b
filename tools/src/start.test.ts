import { saidUrl } from './apps.ts';
import { readArguments } from './arguments.ts';
import { sortCalls } from './demonstration.ts';
import { type BoxCall } from './twins.ts';

describe('the arguments of npm start', () => {
  it('are few', () => {
    expect(readArguments([])).toEqual({ once: false, verbose: false, redis: false, help: false });
    expect(readArguments(['--once', '--redis'])).toMatchObject({ once: true, redis: true });
  });

  it.each([['--twice'], ['once']])('refuse %s by name', (argument) => {
    expect(() => readArguments([argument])).toThrow(argument);
  });
});

describe('the line that says an app listens', () => {
  it.each([
    ['{"twin":"box","url":"http://127.0.0.1:4500"}', 'http://127.0.0.1:4500'],
    ['{"level":30,"event":"listening","url":"http://127.0.0.1:3000"}', 'http://127.0.0.1:3000'],
    ['{"level":30,"event":"request","url":"/login"}', undefined],
    ['{"half', undefined],
    ['plain text', undefined],
  ])('of %s is %s', (line, url) => {
    expect(saidUrl(line)).toBe(url);
  });
});

describe('Box calls', () => {
  const call = (method: string, path: string, asUser: string | null = null): BoxCall => ({
    seq: 1,
    at: '2026-11-21T09:00:00.000Z',
    method,
    path,
    query: {},
    asUser,
    clientId: null,
    userId: null,
    body: null,
    status: 200,
    end: 'answered',
    fault: null,
    requestId: 'r',
    workMs: 1,
  });

  it('are told apart: a token, the files shown, and everything that concerns the person', () => {
    const token = call('POST', '/oauth2/token');
    const create = call('POST', '/2.0/users');
    const lookUp = call('GET', '/2.0/users');
    const files = call('GET', '/2.0/folders/0/items', '1');
    const asApp = call('GET', '/2.0/folders/0/items');
    expect(sortCalls([token, create, files, lookUp, asApp])).toEqual({
      provisioning: [create, lookUp, asApp],
      tokens: [token],
      files: [files],
    });
  });
});
