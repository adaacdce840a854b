import { createGzip } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { IssuerWatch } from '../okta/issuer-watch.ts';
import { headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { OktaFront, withFields, type Alteration } from '../testing/okta-front.harness.ts';

const DISCOVERY = '/.well-known/openid-configuration';
const UNVERIFIED = [401, 'The sign-in could not be verified'];
const UNREACHABLE = [503, 'Okta cannot be reached'];

let front: OktaFront;
let gateway: TestGateway;
const logged: string[] = [];

beforeAll(async () => {
  front = await OktaFront.start();
  gateway = await startGateway({ front, onLog: (line) => logged.push(line) });
});
afterEach(async () => {
  front.straight();
  await gateway.okta.control('DELETE', 'faults');
  logged.length = 0;
});
afterAll(async () => {
  await gateway.close();
  await front.close();
});

/** A gateway that has not called Okta yet. */
async function fresh<T>(
  work: (gateway: TestGateway) => Promise<T>,
  onLog?: (line: string) => void,
): Promise<T> {
  const another = await startGateway({ front, ...(onLog && { onLog }) });
  try {
    return await work(another);
  } finally {
    await another.close();
    front.lead(gateway.okta.url);
  }
}

const outcome = async (of = gateway, person = 'ada@example.com') => {
  const page = await of.browser().signIn(person);
  return [page.status, headingOf(page)];
};

describe('tokens', () => {
  test.each(['DPoP', 'mac', '', undefined, 7])('of the type %p are refused', async (token_type) => {
    front.alter('/v1/token', withFields({ token_type }));
    expect(await outcome()).toEqual(UNVERIFIED);
    expect(logged.join('')).toContain('token_type');
  });

  test('of the type bearer, in another case, are accepted', async () => {
    front.alter('/v1/token', withFields({ token_type: 'bEARER' }));
    expect((await outcome())[0]).toBe(200);
  });

  test('that are also for an untrusted audience are refused, whoever is the authorized party', async () => {
    await gateway.okta.control('POST', 'faults', { kind: 'untrustedAudience' });
    expect(await outcome()).toEqual(UNVERIFIED);
    expect(logged.join('')).toContain('another-client');
  });

  test('of another issuer are logged with both names, and the page shows neither', async () => {
    await gateway.okta.control('POST', 'faults', { kind: 'wrongIssuer' });
    const page = await gateway.browser().signIn('ada@example.com');
    expect(page.text).not.toContain('attacker');
    expect(logged.join('')).toContain(`is https://attacker.example.com, not ${front.issuer}`);
  });
});

describe('the answer’s issuer (RFC 9207)', () => {
  const promise = withFields({ authorization_response_iss_parameter_supported: true });

  test('must be present when the metadata promise it, and is accepted when it is present', async () => {
    front.alter(DISCOVERY, promise);
    await fresh(async (promised) => {
      expect(await outcome(promised)).toEqual(UNVERIFIED);
      const refused = await promised.browser().signIn('unassigned@example.com');
      expect([refused.status, headingOf(refused)]).toEqual(UNVERIFIED);
      await promised.okta.control('POST', 'faults', { kind: 'issInResponse' });
      expect((await outcome(promised))[0]).toBe(200);
    });
  });
});

describe('discovery', () => {
  test('works without userinfo, for fat and for thin ID tokens', async () => {
    front.alter(DISCOVERY, withFields({ userinfo_endpoint: undefined }));
    await fresh(async (bare) => {
      expect(await outcome(bare)).toEqual([200, 'New user created: Ada Example']);
      await bare.okta.control('PUT', 'settings', { thinIdToken: true });
      expect((await outcome(bare, 'grace@example.com'))[0]).toBe(200);
      expect(front.countOf('/v1/userinfo')).toBe(0);
    });
  });

  test('is requested once regardless of how many callers wait, and not again before Okta’s limit is reset', async () => {
    front.alter(DISCOVERY, (answer) => ({
      ...answer,
      status: 429,
      // The gateway uses Okta's clock, not ours.
      headers: { date: 'Mon, 30 Nov 2020 09:00:00 GMT', 'x-rate-limit-reset': '1606726842' },
    }));
    await fresh(async (limited) => {
      front.straight();
      front.alter(DISCOVERY, (answer) => ({
        ...answer,
        status: 429,
        headers: { date: 'Mon, 30 Nov 2020 09:00:00 GMT', 'x-rate-limit-reset': '1606726842' },
      }));
      const pages = await Promise.all([1, 2, 3, 4, 5].map(() => limited.browser().open('/login')));
      for (const page of pages) {
        expect([page.status, headingOf(page)]).toEqual(UNREACHABLE);
        expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(35);
        expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(43);
      }
      expect((await limited.browser().open('/login')).status).toBe(503);
      expect(front.countOf(DISCOVERY)).toBe(1);
    });
  });
});

test('a limit at the token endpoint is answered with the time to try again', async () => {
  front.alter('/v1/token', (answer) => ({
    ...answer,
    status: 429,
    headers: { date: 'Mon, 30 Nov 2020 09:00:00 GMT', 'x-rate-limit-reset': '1606726829' },
  }));
  const page = await gateway.browser().signIn('ada@example.com');
  expect([page.status, headingOf(page)]).toEqual(UNREACHABLE);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(20);
  expect(Number(page.headers.get('retry-after'))).toBeLessThanOrEqual(31);
});

test('an unknown key id is looked for again at once, also right after another one', async () => {
  await gateway.okta.control('POST', 'rotate-keys', { keepOld: false });
  // Okta signs with a key that it has not published yet.
  front.alter('/v1/keys', withFields({ keys: [] }));
  expect(await outcome()).toEqual(UNVERIFIED);
  front.alter('/v1/keys', undefined);
  expect((await outcome())[0]).toBe(200);
});

describe('an answer of Okta is read only up to a limit', () => {
  const lines: string[] = [];
  const MIB = 1024 * 1024;
  const huge: Alteration = (_answer, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    const pour = (): void => {
      while (!res.destroyed) if (!res.write(' '.repeat(MIB))) return void res.once('drain', pour);
    };
    pour();
    return undefined;
  };
  const bomb: Alteration = (_answer, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    const gzip = createGzip({ level: 9 });
    gzip.on('error', () => undefined).pipe(res);
    const pour = (): void => {
      while (!res.destroyed) if (!gzip.write(' '.repeat(MIB))) return void gzip.once('drain', pour);
    };
    pour();
    return undefined;
  };

  test('whether compressed or not, for every kind of answer', async () => {
    await fresh(
      async (flooded) => {
        await flooded.okta.control('POST', 'people', { login: 'nameless@example.com', name: null });
        for (const path of [DISCOVERY, '/v1/token', '/v1/keys', '/v1/userinfo']) {
          for (const flood of [huge, bomb]) {
            lines.length = 0;
            front.alter(path, flood);
            expect([path, await outcome(flooded, 'nameless@example.com')]).toEqual([path, UNREACHABLE]);
            expect(lines.join('')).toContain('more than 1048576 bytes');
          }
          front.alter(path, undefined);
        }
        expect((await outcome(flooded))[0]).toBe(200);
      },
      (line) => lines.push(line),
    );
  });
});

describe('our clock', () => {
  test('is reported, with the difference, when a token is refused for its times', async () => {
    await gateway.okta.control('POST', 'faults', { kind: 'futureIat' });
    const ahead =
      (ms: number): Alteration =>
      (answer) => ({
        ...answer,
        headers: { ...answer.headers, date: new Date(Date.now() + ms).toUTCString() },
      });
    front.alter('/v1/token', ahead(3_600_000));
    expect(await outcome()).toEqual(UNVERIFIED);
    const line = logged.map((text) => JSON.parse(text) as Record<string, unknown>);
    const found = line.find(({ event }) => event === 'clock-wrong');
    expect(found?.reason).toMatch(/^The clock of this machine is 3(599|600|601) s behind that of http/);
    const refusal = line.find(({ event }) => event === 'request-refused');
    expect(refusal?.reason).toMatch(/issued in the future.*clock of this machine/);
  });

  test('is not reported when it is right', async () => {
    await gateway.okta.control('POST', 'faults', { kind: 'futureIat' });
    expect(await outcome()).toEqual(UNVERIFIED);
    expect(logged.join('')).not.toContain('clock-wrong');
  });
});

describe('a wrong issuer', () => {
  const warnings = async (of: TestGateway) => {
    const answer = await fetch(`${of.url}/readyz`);
    const { warnings: found } = (await answer.json()) as { warnings?: Record<string, string> };
    return [answer.status, found?.okta ?? ''] as const;
  };

  test('is reported at the start with both spellings, in the log and by readyz, and accepted when it is correct again', async () => {
    front.alter(DISCOVERY, withFields({ issuer: 'https://auth.example.com' }));
    const lines: string[] = [];
    await fresh(
      async (wrong) => {
        await wrong.app.get(IssuerWatch, { strict: false }).start();
        expect(lines.join('')).toContain('"event":"issuer-wrong"');
        expect(lines.join('')).toContain(
          `OKTA_ISSUER_URI is ${front.issuer}, but the metadata of the provider name https://auth.example.com`,
        );
        const [status, warning] = await warnings(wrong);
        expect(status).toBe(200);
        expect(warning).toContain('https://auth.example.com');
        front.alter(DISCOVERY, undefined);
        expect((await outcome(wrong))[0]).toBe(200);
        expect(await warnings(wrong)).toEqual([200, '']);
      },
      (line) => lines.push(line),
    );
  });

  test('that differs by a slash is wrong, too', async () => {
    front.alter(DISCOVERY, withFields({ issuer: `${front.issuer}/` }));
    await fresh(async (wrong) => {
      await wrong.app.get(IssuerWatch, { strict: false }).start();
      expect((await warnings(wrong))[1]).toContain(`name ${front.issuer}/:`);
    });
  });

  test('is not reported for a derived API issuer that does not exist', async () => {
    front.alter('/oauth2/default/.well-known/openid-configuration', (answer) => ({ ...answer, status: 404 }));
    await fresh(async (bare) => {
      await bare.app.get(IssuerWatch, { strict: false }).start();
      expect(await warnings(bare)).toEqual([200, '']);
    });
  });

  test('one that is unavailable is reported as such, and requested again', async () => {
    front.alter(DISCOVERY, (_answer, res) => void res.destroy());
    const lines: string[] = [];
    await fresh(
      async (away) => {
        await away.app.get(IssuerWatch, { strict: false }).start();
        expect(lines.join('')).toContain('"event":"issuer-away"');
        expect((await warnings(away))[1]).toContain('cannot be reached');
        const asked = front.countOf(DISCOVERY);
        front.alter(DISCOVERY, undefined);
        while (front.countOf(DISCOVERY) <= asked) await new Promise((resolve) => setTimeout(resolve, 50));
        while ((await warnings(away))[1] !== '') await new Promise((resolve) => setTimeout(resolve, 50));
      },
      (line) => lines.push(line),
    );
  });
});

test('an issuer with a slash at the end (Auth0) works, as the provider spells it', async () => {
  const slashed = await OktaFront.start('/');
  const there = await startGateway({ front: slashed });
  try {
    expect(await outcome(there)).toEqual([200, 'New user created: Ada Example']);
    const rows = await there.database.query<{ issuer: string }>('SELECT issuer FROM identity');
    expect(rows).toEqual([{ issuer: slashed.issuer }]);
  } finally {
    await there.close();
    await slashed.close();
  }
});
