import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { boxUserIdOf, headingOf, type Browser, type Page } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

/** A signed-in person with these files in Box. */
async function withFiles(username: string, paths: readonly string[]): Promise<Browser> {
  const browser = gateway.browser();
  const userId = boxUserIdOf(await browser.signIn(username));
  await gateway.box.control('POST', 'seed', { files: paths.map((path) => ({ userId, path, size: 5 })) });
  return browser;
}

/** The target of the link with this text. */
const linkOf = ({ text }: Page, words: string): string => {
  const links = [...text.matchAll(/<a [^>]*href="([^"]*)"[^>]*>([\s\S]*?)<\/a/g)];
  const found = links.find(([, , inner]) => inner?.trim() === words)?.[1];
  if (found === undefined) throw new Error(`There is no link ${words}.`);
  return found.replaceAll('&amp;', '&');
};
const namesIn = ({ text }: Page): string[] =>
  [...text.matchAll(/<li>\s*<a [^>]*>([^<]*)<\/a/g)].map(([, name = '']) => name.trim());

it('shows all of 300 files, page by page, and the way back', async () => {
  const names = Array.from({ length: 300 }, (_, at) => `File ${String(at + 1).padStart(3, '0')}.txt`);
  const browser = await withFiles('ada@example.com', names);
  const pages = [await browser.open('/')];
  expect(pages[0]?.text).not.toContain('Only the first');
  for (let at = 0; at < 2; at += 1) pages.push(await browser.open(linkOf(pages[at]!, 'Next page')));
  expect(pages.flatMap(namesIn)).toEqual(names);
  expect(pages[2]?.text).not.toContain('Next page');
  expect(namesIn(await browser.open(linkOf(pages[2]!, 'First page')))).toEqual(names.slice(0, 100));
});

it('opens folders, and downloads a file from its address at Box', async () => {
  const browser = await withFiles('grace@example.com', ['Contracts & more/2026/Plan <1>.txt']);
  const contracts = await browser.open(linkOf(await browser.open('/'), 'Contracts &amp; more'));
  expect([contracts.status, headingOf(contracts)]).toEqual([200, 'Contracts & more']);
  const year = await browser.open(linkOf(contracts, '2026'));
  const file = await browser.open(linkOf(year, 'Plan &lt;1&gt;.txt'));
  expect([file.status, file.text]).toEqual([200, 'xxxxx']);
  expect(new URL(file.url).origin).toBe(gateway.box.url);
  expect(file.headers.get('content-disposition')).toMatch(/^attachment/);
  expect(headingOf(await browser.open(linkOf(year, 'All files')))).toBe('Your Box files');
});

it('says that a folder is empty, under its name', async () => {
  const browser = await withFiles('alan@example.com', ['Nothing/']);
  const page = await browser.open(linkOf(await browser.open('/'), 'Nothing'));
  expect([page.status, headingOf(page)]).toEqual([200, 'Nothing']);
  expect(page.text).toContain('This folder is empty.');
});

it('shows an empty folder even when Box does not give its name', async () => {
  const browser = await withFiles('grace@example.com', ['Unnamed/']);
  const address = linkOf(await browser.open('/'), 'Unnamed');
  const path = `^/2.0/folders/${address.split('/').at(-1)}$`;
  const fault = { kind: 'status', status: 503, match: { method: 'GET', path } };
  await gateway.box.control('POST', 'faults', fault);
  const page = await browser.open(address);
  expect([page.status, headingOf(page)]).toEqual([200, 'Empty folder']);
  expect(page.text).toContain('This folder is empty.');
});

it('answers for the folder and file of another person as if they did not exist', async () => {
  const maria = await withFiles('maria@example.com', ['Hers/a.txt']);
  const top = await maria.open('/files');
  const folder = linkOf(top, 'Hers');
  const file = linkOf(await maria.open(folder), 'a.txt');
  const ben = await withFiles('ben@example.com', []);
  for (const address of [
    folder,
    file,
    '/files/1',
    '/files/1/content',
    '/files/abc',
    '/files/a%00b',
    '/files/1/x',
  ]) {
    const page = await ben.open(address);
    expect([page.status, headingOf(page)]).toEqual([404, 'This page does not exist']);
  }
});

it('refuses a cursor that does not belong to this list', async () => {
  const browser = await withFiles('zoe@example.com', ['a.txt']);
  for (const cursor of ['abc', '', 'x'.repeat(5_000)]) {
    const page = await browser.open(`/files?cursor=${cursor}`);
    expect([page.status, headingOf(page)]).toEqual([400, 'This link does not work']);
  }
});

it('asks a person who is not signed in to sign in, and then opens the requested page', async () => {
  const browser = await withFiles('grace@example.com', ['Reports/2027/Plan.txt']);
  const reports = linkOf(await browser.open('/'), 'Reports');
  for (const address of ['/files', reports, '/files/1', '/files/1/content']) {
    const stranger = gateway.browser();
    const page = await stranger.open(address);
    expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in']);
    const there = await stranger.signIn('grace@example.com', { path: linkOf(page, 'Sign in again') });
    expect(there.url).toBe(new URL(address, gateway.url).href);
    if (address === reports) expect([there.status, headingOf(there)]).toEqual([200, 'Reports']);
  }
});

/** Returns the page for a request target that is sent exactly as given; `fetch` would normalize it. */
const pageFor = async (target: string): Promise<string> => {
  const { hostname, port } = new URL(gateway.url);
  const sent = request({ hostname, port, path: target, headers: { accept: 'text/html' } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return text(answer);
};

it.each([
  'http://evil.example.com/files',
  'https://evil.example.com/files',
  '//evil.example.com/files',
  '/files/..//evil.example.com',
  '/files?returnTo=https://evil.example.com/',
  '/files/1"><script>alert(1)</script>',
  "/files?'onmouseover='alert(1)",
  '/files/1%0d%0aset-cookie:a=b',
])('leads to our own origin after a sign-in that begins at %s', async (target) => {
  const page = await pageFor(target);
  expect(page).not.toMatch(/<script|["'] *onmouseover/);
  const [, link] = /href="(\/login[^"]*)"/.exec(page) ?? [];
  const browser = gateway.browser();
  const there = await browser.signIn('grace@example.com', { path: link ?? '/login' });
  expect(new URL(there.url).origin).toBe(gateway.url);
  expect((await browser.cookies('a')).map(({ key }) => key)).toEqual([]);
});

it('does not send a form again after a sign-in', async () => {
  const page = await gateway.browser().open('/retry', { form: {} });
  expect(page.text).not.toContain('returnTo=%2Fretry');
});
