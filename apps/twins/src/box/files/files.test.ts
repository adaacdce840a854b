import { rows, text, TwinUnderTest } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;
let ada: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
  ada = await twin.appUser(token, 'Ada', '00u1');
});
afterEach(() => twin.close());

const seeded = async (path: string, size = 3): Promise<string> => {
  const { body } = await twin.control('POST', 'seed', { files: [{ externalId: '00u1', path, size }] });
  return text(rows(body.files)[0]?.id);
};
const content = (id: string, asUser = ada) =>
  fetch(`${twin.url}/2.0/files/${id}/content`, {
    redirect: 'manual',
    headers: { authorization: `Bearer ${token}`, 'as-user': asUser },
  });

describe('the content of a file', () => {
  it('is at a short-lived address that needs no token', async () => {
    const answer = await content(await seeded('Plan „B“ (2).txt'));
    expect(answer.status).toBe(302);
    const address = answer.headers.get('location') ?? '';
    const file = await fetch(address);
    expect([file.status, (await file.text()).length]).toEqual([200, 3]);
    expect(file.headers.get('content-disposition')).toBe(
      `attachment;filename*=UTF-8''Plan%20%E2%80%9EB%E2%80%9C%20%282%29.txt`,
    );
    await twin.control('PUT', 'settings', { clockOffsetMs: 120_000 });
    expect((await fetch(address)).status).toBe(404);
  });

  it('exists for its owner only, and not for a folder', async () => {
    const id = await seeded('a.txt');
    const bob = await twin.appUser(token, 'Bob');
    expect((await content(id, bob)).status).toBe(404);
    expect((await content('12345')).status).toBe(404);
    expect((await content('abc')).status).toBe(405);
    expect((await content(await seeded('Inner/'))).status).toBe(404);
  });
});
