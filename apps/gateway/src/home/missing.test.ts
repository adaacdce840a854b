import { boxUserIdOf, headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
afterEach(() => gateway.box.control('PUT', 'apps', { clientId: 'twin-box-client', asUser: true }));

const bind = (clientId: string) => gateway.database.query('UPDATE tenant SET box_client_id = $1', [clientId]);
const missing = async (boxUserId: string | undefined) =>
  (
    await gateway.database.query<{ missing_since: Date | null }>(
      'SELECT missing_since FROM box_account WHERE box_user_id = $1',
      [boxUserId],
    )
  )[0]!.missing_since;

describe('a Box user that cannot be read', () => {
  it('is not taken for deleted when only acting as it is refused', async () => {
    const browser = gateway.browser();
    const boxUserId = boxUserIdOf(await browser.signIn('ada@example.com'));
    await gateway.box.control('PUT', 'apps', { clientId: 'twin-box-client', asUser: false });
    const page = await browser.open('/');
    expect([page.status, headingOf(page)]).toEqual([200, 'New user created: Ada Example']);
    expect(page.text).toContain('Box does not allow this');
    expect(await missing(boxUserId)).toBeNull();
  });

  it('is not taken for deleted while the configured Box app is another one', async () => {
    const browser = gateway.browser();
    const boxUserId = boxUserIdOf(await browser.signIn('grace@example.com'));
    await gateway.box.control('PUT', 'apps', { clientId: 'twin-box-client', asUser: false });
    await bind('another-client');
    try {
      const page = await browser.open('/');
      expect(page.text).toContain('Your Box account cannot be reached from here');
      const files = await browser.open('/v1/me/files', { headers: { accept: 'application/json' } });
      expect([files.status, JSON.parse(files.text)]).toEqual([
        503,
        expect.objectContaining({ code: 'box_app_changed' }),
      ]);
      expect(await missing(boxUserId)).toBeNull();
    } finally {
      await bind('twin-box-client');
    }
  });

  it('gives an open request another entity tag while it is held, and its own again afterwards', async () => {
    const token = await gateway.machineToken('foyer.read foyer.write');
    const headers = { authorization: `Bearer ${token}` };
    gateway.worker.pause();
    const made = await fetch(`${gateway.url}/v1/provisioning-requests`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ subject: '00uHeld', username: 'held@example.com', name: 'Held Example' }),
    });
    const { id } = (await made.json()) as { id: string };
    const read = async (tag?: string) => {
      const response = await fetch(`${gateway.url}/v1/provisioning-requests/${id}`, {
        headers: { ...headers, ...(tag !== undefined && { 'if-none-match': tag }) },
      });
      const text = await response.text();
      const code =
        text === '' ? undefined : (JSON.parse(text) as { error: { code: string } | null }).error?.code;
      return { status: response.status, tag: response.headers.get('etag') ?? '', code };
    };
    // The binding of the previous test may still be cached.
    const before = await settled(read, ({ code }) => code === undefined);
    expect(before.status).toBe(200);
    await bind('another-client');
    try {
      const held = await settled(
        () => read(before.tag),
        ({ status }) => status === 200,
      );
      expect(held).toMatchObject({ code: 'box_app_changed' });
      expect(await read(held.tag)).toMatchObject({ status: 304 });
      await bind('twin-box-client');
      const after = await settled(
        () => read(held.tag),
        ({ status }) => status === 200,
      );
      expect(after).toMatchObject({ code: undefined, tag: before.tag });
    } finally {
      await bind('twin-box-client');
      gateway.worker.resume();
    }
  });
});

/** Repeats until the answer matches; only the test's own time limit ends it. */
async function settled<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
  }
}
