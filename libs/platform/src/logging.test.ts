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
  it('keeps secrets out, at any depth, in children too', () => {
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

  it('tells an error by its type, message, code and causes, and nothing else that it carries', () => {
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

  it('leaves codes of the closed list readable', () => {
    const { logger, lines } = parts();
    logger.warn({ event: 'failed', code: 'box_forbidden' });
    expect(lines[0]).toMatchObject({ level: 'warn', app: 'test', event: 'failed', code: 'box_forbidden' });
  });

  it('writes a time and an address as their own text', () => {
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
