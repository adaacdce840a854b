import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { askOutside, clockProblem, apiIssuer, inspectIssuer, signInIssuer, waitOf } from './index.ts';
import { readClock } from './clock.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address where no server listens any more. */
async function nowhere(): Promise<string> {
  const url = await serve(() => undefined);
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  return url;
}

describe('a response', () => {
  it('is read up to its size limit, and one byte more is rejected, compressed or not', async () => {
    const url = await serve((req, res) => {
      const body = `"${'x'.repeat(Number(req.url?.slice(1)) - 2)}"`;
      if (req.headers.accept === 'packed') res.setHeader('content-encoding', 'gzip').end(gzipSync(body));
      else res.end(body);
    });
    for (const accept of ['plain', 'packed']) {
      const ask = (size: number) => askOutside(`${url}/${size}`, { maxBytes: 1_000, headers: { accept } });
      expect((await ask(1_000)).body).toHaveLength(998);
      await expect(ask(1_001)).rejects.toMatchObject({
        name: 'NoAnswer',
        message: expect.stringContaining('more than 1000 bytes') as unknown,
      });
    }
  });

  it('that is no JSON has no body, and a redirect is not followed', async () => {
    const url = await serve((req, res) => {
      if (req.url === '/there') res.end('{}');
      else res.writeHead(302, { location: '/there' }).end('<html>');
    });
    expect(await askOutside(url)).toMatchObject({ status: 302, body: null });
  });

  it('that does not arrive is reported with the host and the reason', async () => {
    const url = await serve((req) => req.socket.resetAndDestroy());
    await expect(askOutside(url)).rejects.toMatchObject({ name: 'NoAnswer' });
    const nobody = await nowhere();
    await expect(askOutside(nobody)).rejects.toMatchObject({
      message: `${new URL(nobody).host} did not answer: ECONNREFUSED`,
    });
    const silent = await serve(() => undefined);
    await expect(askOutside(silent, { timeoutMs: 50 })).rejects.toMatchObject({
      message: expect.stringContaining('timeout') as unknown,
    });
  });
});

describe('the offset of our clock', () => {
  const at = Date.parse('2026-11-30T12:00:00Z');
  const date = (headers: Record<string, string>) => readClock(new Headers(headers), at, at + 200);

  it.each([
    [{ date: 'Mon, 30 Nov 2026 12:00:00 GMT' }, -400, null],
    [{ date: 'Mon, 30 Nov 2026 12:04:00 GMT' }, -240_400, /is 240 s behind that of Okta/],
    [{ date: 'Mon, 30 Nov 2026 11:00:00 GMT' }, 3_599_600, /is 3600 s ahead of that of Okta/],
    // A cache held the answer for ten minutes.
    [{ date: 'Mon, 30 Nov 2026 11:50:00 GMT', age: '600' }, -400, null],
    [{ date: 'Mon, 30 Nov 2026 12:00:30 GMT' }, -30_400, null],
  ])('for the header %j is %s ms', (headers, aheadMs, problem) => {
    const reading = date(headers);
    expect(reading).toEqual({ aheadMs, accuracyMs: 600 });
    if (problem === null) expect(clockProblem(reading, 'that of Okta')).toBeNull();
    else expect(clockProblem(reading, 'that of Okta')).toMatch(problem);
  });

  it.each<Record<string, string>>([{}, { date: 'yesterday' }])('is unknown for the header %j', (headers) => {
    expect(date(headers)).toBeNull();
  });
});

describe('the pause that a response asks for', () => {
  const wait = (headers: Record<string, string>, aheadMs = 0) =>
    waitOf({ headers: new Headers(headers), clock: { aheadMs, accuracyMs: 500 } });
  const seconds = (fromNow: number) => String(Math.round(Date.now() / 1000) + fromNow);

  it("is Retry-After, or Okta's reset by Okta's clock, from a second to an hour", () => {
    expect(wait({ 'retry-after': '7' })).toBe(7_000);
    expect(wait({ 'retry-after': '0' })).toBe(1_000);
    expect(wait({ 'retry-after': '999999' })).toBe(3_600_000);
    expect(wait({ 'retry-after': new Date(Date.now() + 20_000).toUTCString() })).toBeGreaterThan(18_000);
    expect(wait({ 'x-rate-limit-reset': seconds(30) })).toBeGreaterThan(29_000);
    expect(wait({ 'x-rate-limit-reset': seconds(30) })).toBeLessThanOrEqual(32_000);
    // Our clock is ten minutes ahead.
    expect(wait({ 'x-rate-limit-reset': seconds(30 - 600) }, 600_000)).toBeGreaterThan(29_000);
  });

  it.each<Record<string, string>>([{}, { 'retry-after': 'soon' }, { 'x-rate-limit-reset': '-1' }])(
    'is unknown for %j',
    (headers) => {
      expect(wait(headers)).toBeUndefined();
    },
  );
});

describe('the check of an issuer', () => {
  const asked = (issuer: string) => inspectIssuer(signInIssuer(issuer));

  it('finds it unavailable, wrong with both spellings, or valid; and reports the offset of our clock', async () => {
    let issuer = '';
    const url = await serve((_req, res) => {
      const endpoint = `${url}/x`;
      res.setHeader('date', new Date(Date.now() + 300_000).toUTCString());
      res.end(
        JSON.stringify({
          issuer,
          authorization_endpoint: endpoint,
          token_endpoint: endpoint,
          jwks_uri: endpoint,
        }),
      );
    });
    issuer = url;
    const found = await asked(url);
    expect(found.state).toEqual({ kind: 'good' });
    expect(found.problem).toBeNull();
    expect(found.clockProblem).toMatch(/is (299|300|301) s behind that of http/);
    issuer = 'https://other.example.com';
    expect((await asked(url)).state).toMatchObject({
      kind: 'wrong',
      message: expect.stringMatching(`OKTA_ISSUER_URI is ${url}.*name ${issuer}`) as unknown,
    });
    const away = await nowhere();
    expect(await asked(away)).toMatchObject({
      state: { kind: 'away' },
      problem: expect.stringMatching(`^${away} cannot be reached: .*ECONNREFUSED\\.$`) as unknown,
    });
  });

  it('reports no problem when the issuer was only derived and there is no provider', async () => {
    const url = await serve((_req, res) => res.writeHead(404).end('{}'));
    const derived = `${url}/oauth2/default`;
    expect((await inspectIssuer(apiIssuer(derived, url))).problem).toBeNull();
    expect((await inspectIssuer(apiIssuer(derived, 'https://example.okta.com'))).problem).toMatch(
      /^OKTA_API_ISSUER_URI is .*, but no provider answers there: the request for its metadata got 404\.$/,
    );
  });
});
