import { saidUrl } from './stack/apps.ts';
import { readArguments } from './arguments.ts';
import { sortCalls } from './demonstration/demonstration.ts';
import { type BoxCall } from './stack/twins.ts';

describe('the arguments of npm start', () => {
  it('are few', () => {
    expect(readArguments([])).toEqual({
      once: false,
      verbose: false,
      redis: false,
      help: false,
      port: undefined,
    });
    expect(readArguments(['--once', '--redis'])).toMatchObject({ once: true, redis: true });
  });

  it('take a port for the gateway, from which the others follow', () => {
    expect(readArguments(['--port', '3100'])).toMatchObject({ port: 3100 });
  });

  it.each([['0'], ['80'], ['64036'], ['70000'], ['31oo'], ['-1'], ['']])('refuse the port "%s"', (port) => {
    expect(() => readArguments([`--port=${port}`])).toThrow(`--port is "${port}"`);
  });

  it('refuse a port together with --once, which uses free ones', () => {
    expect(() => readArguments(['--once', '--port', '3100'])).toThrow('--once uses free ports');
  });

  it.each([['--twice'], ['once']])('refuse %s by name', (argument) => {
    expect(() => readArguments([argument])).toThrow(argument);
  });
});

describe('the line that reports that an app listens', () => {
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

  const body = (externalId: string) => ({ name: 'Nia', external_app_user_id: externalId });

  it('are distinguished: tokens, listed files, and what was created or looked up for the person', () => {
    const token = call('POST', '/oauth2/token');
    const create = { ...call('POST', '/2.0/users'), body: body('00uNia') };
    const lookUp = { ...call('GET', '/2.0/users'), query: { external_app_user_id: '00uNia' } };
    const update = call('PUT', '/2.0/users/1');
    const files = call('GET', '/2.0/folders/0/items', '1');
    expect(
      sortCalls([token, create, files, lookUp, update], { externalId: '00uNia', boxUserId: '1' }),
    ).toEqual({ provisioning: [create, lookUp, update], tokens: [token], files: [files] });
  });

  it('leave out those for other people, who may be imported at the same time', () => {
    const others = [
      { ...call('POST', '/2.0/users'), body: body('00uOther') },
      { ...call('GET', '/2.0/users'), query: { external_app_user_id: '00uOther' } },
      call('PUT', '/2.0/users/12'),
      call('GET', '/2.0/folders/0/items', '12'),
      call('GET', '/2.0/folders/0/items'),
    ];
    expect(sortCalls(others, { externalId: '00uNia', boxUserId: '1' })).toEqual({
      provisioning: [],
      tokens: [],
      files: [],
    });
  });
});
