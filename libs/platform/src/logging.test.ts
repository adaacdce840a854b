import { createLogger } from './logging.ts';

/** A logger, and the lines that it has written. */
function parts(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('test', level, {
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  return { logger, lines };
}

describe('the log', () => {
  it('contains no secrets, at any depth, in child loggers too', () => {
    const { logger, lines } = parts();
    const secret = 'hunter2';
    logger.info({ event: 'x', password: secret, headers: { authorization: secret, cookie: secret } });
    logger
      .child({ reference: 'r' })
      .warn({ list: [{ deep: { access_token: secret } }], clientSecret: secret });
    logger.error({ a: { b: { c: { d: { e: { f: secret } } } } } });
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });

  it('contains of an error its type, message, code and causes, and none of its other properties', () => {
    const { logger, lines } = parts();
    const cause = Object.assign(new Error('postgresql://foyer:hunter2@db/foyer refused'), {
      code: 'ECONNREFUSED',
    });
    const error = Object.assign(new TypeError('no luck', { cause }), {
      requestInfo: { body: 'client_secret=hunter2' },
    });
    logger.error({ event: 'x', err: error });
    expect(lines[0]!.err).toMatchObject({
      type: 'TypeError',
      message: 'no luck',
      cause: { code: 'ECONNREFUSED' },
    });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('shows the error codes of the closed list', () => {
    const { logger, lines } = parts();
    logger.warn({ event: 'failed', code: 'box_forbidden' });
    expect(lines[0]).toMatchObject({ level: 'warn', app: 'test', event: 'failed', code: 'box_forbidden' });
  });

  it('writes dates and URLs as text', () => {
    const { logger, lines } = parts();
    const url = new URL('https://foyer.example.com/scim');
    logger.warn({ event: 'x', expiresAt: new Date(0), at: { url }, never: new Date(Number.NaN) });
    expect(lines[0]).toMatchObject({
      ...{
        expiresAt: '1970-01-01T00:00:00.000Z',
        at: { url: 'https://foyer.example.com/scim' },
        never: null,
      },
    });
  });
});
