import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FoyerError, personWords } from '@foyer/shared';
import { headingOf, type Browser } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { assets } from './pages/assets.ts';

let gateway: TestGateway;
const logged: string[] = [];

beforeAll(async () => {
  gateway = await startGateway({ onLog: (line) => logged.push(line) });
});
afterAll(async () => {
  await gateway.close();
});

const ask = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, init);
const page = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

describe('an error', () => {
  test('is a page for browsers, with a reference that the answer also carries', async () => {
    const answer = await ask('/nowhere', page);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const text = await answer.text();
    expect(text).toContain(answer.headers.get('x-request-id') ?? 'none');
    expect(text).not.toMatch(/NotFoundException|at .*\.[jt]s:/);
  });

  test('is a problem document for all others', async () => {
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
      const answer = await ask('/nowhere', { headers });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(await answer.json()).toMatchObject({
        status: 404,
        code: 'not_found',
        type: '/docs/errors#not_found',
      });
    }
  });

  test.each([
    ['/%', 404],
    ['/assets/x/%E0%A4%A', 400],
    ['/login/', 302],
    ['/assets/none/foyer.css', 404],
    [`/${'a'.repeat(9_000)}`, 404],
  ])('%s is answered with %i', async (path, status) => {
    expect((await ask(path, { ...page, redirect: 'manual' })).status).toBe(status);
  });

  test.each([
    ['no JSON', '{"a":', 'application/json', 'malformed_body', 400],
    ['JSON that is no object', '1', 'application/json', 'malformed_body', 400],
    [
      'more than 64 KiB',
      JSON.stringify({ a: 'x'.repeat(70_000) }),
      'application/json',
      'body_too_large',
      413,
    ],
  ])('reports a body with %s', async (_, body, type, code, status) => {
    const answer = await ask('/v1/provisioning-requests', {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
  });

  test('writes no query into the log', async () => {
    const query = 'code=a-code-of-okta&state=abc';
    await ask(`/nowhere?${query}`);
    await ask(`/authorization-code/callback?${query}`, { method: 'POST' });
    expect(logged.some((line) => line.includes('/nowhere'))).toBe(true);
    expect(logged.filter((line) => line.includes('a-code-of-okta'))).toEqual([]);
  });

  describe('whose own page cannot be rendered', () => {
    const words = personWords as unknown as Record<string, { person: string | undefined }>;
    const failing = async (error: Error, work: (browser: Browser) => Promise<void>) => {
      const find = gateway.context.tenant.identities.find.bind(gateway.context.tenant.identities);
      const { person } = words['internal_error']!;
      const browser = gateway.browser();
      await browser.signIn('ada@example.com');
      gateway.context.tenant.identities.find = () => Promise.reject(error);
      words['internal_error']!.person = undefined;
      try {
        await work(browser);
      } finally {
        gateway.context.tenant.identities.find = find;
        words['internal_error']!.person = person;
      }
    };
    const failures = (reference: string | null) =>
      logged.filter(
        (line) => line.includes('"event":"error-answer-failed"') && line.includes(reference ?? 'none'),
      );

    test('is a plain page without a stack, and is logged with the reference', async () => {
      await failing(new TypeError('secret internals'), async (browser) => {
        const answer = await browser.open('/');
        expect([answer.status, headingOf(answer)]).toEqual([500, 'Something went wrong']);
        expect(answer.headers.get('content-type')).toContain('text/html');
        expect(answer.headers.get('cache-control')).toBe('no-store');
        expect(answer.text).not.toMatch(/secret internals|TypeError|at .*\.[jt]s:/);
        const [line, ...others] = failures(answer.headers.get('x-request-id'));
        expect(others).toEqual([]);
        expect(line).toContain('A value of undefined cannot be put into a page.');
        expect(line).toContain('secret internals');
      });
    });

    test('is a problem document for all others', async () => {
      const unknown = Object.assign(new FoyerError('internal_error'), { code: 'no_such_code' });
      await failing(unknown, async (browser) => {
        const answer = await browser.open('/v1/me', { headers: { accept: 'application/json' } });
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          500,
          expect.stringContaining('application/problem+json'),
        ]);
        expect(JSON.parse(answer.text)).toMatchObject({ status: 500, code: 'internal_error' });
        expect(failures(answer.headers.get('x-request-id'))).toHaveLength(1);
      });
    });
  });

  test('that is internal shows no details', async () => {
    const find = gateway.context.tenant.identities.find.bind(gateway.context.tenant.identities);
    const browser = gateway.browser();
    await browser.signIn('ada@example.com');
    gateway.context.tenant.identities.find = () => Promise.reject(new TypeError('secret internals'));
    try {
      const answer = await browser.open('/');
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('secret internals');
    } finally {
      gateway.context.tenant.identities.find = find;
    }
  });
});

describe('every answer', () => {
  test('has the security headers for browsers', async () => {
    const { headers } = await ask('/', page);
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';` +
        `form-action 'self' ${gateway.okta.url};base-uri 'none';frame-ancestors 'none'`,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBeNull();
  });

  test('has no inline script or style, and links assets of this origin that may be cached', async () => {
    const text = await (await ask('/', page)).text();
    expect(text).not.toMatch(/<style|style=|<script(?! src="\/assets)|onclick/);
    const [, style = ''] = /rel="stylesheet" href="([^"]+)"/.exec(text) ?? [];
    const answer = await ask(style);
    expect(answer.headers.get('content-type')).toContain('text/css');
    expect(answer.headers.get('cache-control')).toContain('immutable');
    expect(await answer.text()).toContain('color-scheme: light dark;');
  });

  test.each(Object.entries(assets))('names %s by its content', async (_name, { path, type, content }) => {
    const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12);
    expect(path).toMatch(new RegExp(`^/assets/${hash}/[a-z]+\\.(css|js|svg)$`));
    const answer = await ask(path);
    expect(answer.headers.get('content-type')).toContain(type);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await answer.text()).toBe(content);
  });

  test('has the same assets in the built program', () => {
    const built = join(import.meta.dirname, '../../dist/http/pages/assets.js');
    const show = `import(${JSON.stringify(built)}).then(({ assets }) => console.log(JSON.stringify(assets)))`;
    expect(JSON.parse(execFileSync(process.execPath, ['-e', show], { encoding: 'utf8' }))).toEqual(assets);
  });
});

test('a sign-in that began under another name of this host starts again under the configured name', async () => {
  const other = gateway.url.replace('127.0.0.1', 'localhost');
  const answer = await fetch(`${other}/login?returnTo=%2Fdocs`, { redirect: 'manual' }).catch(() => null);
  const { status, location } = answer
    ? { status: answer.status, location: answer.headers.get('location') }
    : { status: 302, location: `${gateway.url}/login?returnTo=%2Fdocs` };
  expect([status, location]).toEqual([302, `${gateway.url}/login?returnTo=%2Fdocs`]);
});

describe('the health pages', () => {
  test.each(['/healthz', '/healthz?from=probe', '/healthz/', '/HEALTHZ'])(
    'say at %s that we live',
    async (at) => {
      const answer = await ask(at);
      expect([answer.status, await answer.json()]).toEqual([200, { alive: true }]);
      const { headers } = answer;
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      const page = await ask('/');
      for (const name of [
        'content-security-policy',
        'x-content-type-options',
        'x-frame-options',
        'referrer-policy',
      ])
        expect([name, headers.get(name)]).toEqual([name, page.headers.get(name)]);
      const { status, body } = await ask(at, { method: 'HEAD' });
      expect([status, await new Response(body).text()]).toEqual([200, '']);
      expect((await ask(at, { method: 'POST' })).status).not.toBe(200);
    },
  );

  test('report success without a session when all checks pass', async () => {
    expect(await (await ask('/readyz')).json()).toMatchObject({
      ready: true,
      parts: { database: 'ok', migrations: 'ok' },
    });
  });

  test('readyz reports migrations that are not applied', async () => {
    const name = `(SELECT max(migration_name) FROM _prisma_migrations)`;
    await gateway.database.query(
      `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = ${name}`,
    );
    try {
      const answer = await ask('/readyz');
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ ready: false, parts: { migrations: 'not ready' } });
    } finally {
      await gateway.database.query(
        `UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL`,
      );
    }
  });

  test('readyz names a migration that differs from the one that was applied', async () => {
    const [lanes] = await gateway.database.query<{ name: string; checksum: string }>(
      `SELECT migration_name AS name, checksum FROM _prisma_migrations WHERE migration_name LIKE '%_lanes'`,
    );
    const put = (checksum: string) =>
      gateway.database.query(
        `UPDATE _prisma_migrations SET checksum = '${checksum}' WHERE migration_name = '${lanes?.name}'`,
      );
    await put('0'.repeat(64));
    try {
      const answer = await ask('/readyz');
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        parts: { migrations: 'not ready' },
        reasons: { migrations: expect.stringContaining(`prisma/migrations/${lanes?.name}/migration.sql`) },
      });
    } finally {
      await put(lanes?.checksum ?? '');
    }
  });

  test('readyz stays ready, with a warning, while a later version upgrades the database', async () => {
    await gateway.database.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('later', '', '2099_later', now())`,
    );
    try {
      const answer = await ask('/readyz');
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        warnings: { migrations: expect.stringContaining('2099_later') },
      });
    } finally {
      await gateway.database.query(`DELETE FROM _prisma_migrations WHERE id = 'later'`);
    }
  });

  test('metrics count sign-ins and requests by route, not by address', async () => {
    await gateway.browser().signIn('grace@example.com');
    await ask('/authorization-code/callback?state=x');
    const text = await (await ask('/metrics')).text();
    expect(text).toMatch(/foyer_sign_ins_total\{result="ok",app="gateway"\} [1-9]/);
    expect(text).toMatch(/foyer_sign_ins_total\{result="sign_in_expired",app="gateway"\} 1/);
    expect(text).toMatch(
      /foyer_http_request_seconds_count\{app="gateway",method="GET",route="\/authorization-code\/callback",status="303"\}/,
    );
    expect(text).not.toContain('/nowhere');
  });
});
