import http from 'node:http';
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { certificate, Proxy } from './proxy.harness.ts';
import { auth, json, ScriptedBox, user } from './scripted-box.harness.ts';

const context = leasedContext();
const boxes: Box[] = [];
let plain: ScriptedBox;
let secure: Server;
let proxy: Proxy;
let restore: () => void = () => undefined;

beforeEach(async () => {
  plain = await ScriptedBox.start();
  secure = createServer(certificate, (req, res) => {
    res.setHeader('content-type', 'application/json');
    const body = req.url?.startsWith('/oauth2/')
      ? { access_token: 'token-1', expires_in: 3600 }
      : { entries: [user] };
    res.end(JSON.stringify(body));
  });
  await once(secure.listen(0, '127.0.0.1'), 'listening');
  proxy = await Proxy.start((secure.address() as AddressInfo).port);
});
afterEach(async () => {
  restore();
  await Promise.all(boxes.splice(0).map((box) => box.close()));
  await proxy.close();
  await plain.close();
  secure.closeAllConnections();
  await new Promise((resolve) => secure.close(resolve));
});

/** Box as in a Node process with NODE_USE_ENV_PROXY=1 and these variables. */
function boxWith(variables: Record<string, string>, baseUrl: string): Box {
  restore = http.setGlobalProxyFromEnv(variables);
  const box = createBox({ auth, baseUrl, log: new MemoryCallLog(), timeoutMs: 10_000 });
  boxes.push(box);
  return box;
}

it('uses a tunnel through the proxy of HTTPS_PROXY', async () => {
  const authorities = getCACertificates('default');
  setDefaultCACertificates([...authorities, certificate.cert]);
  try {
    const found = await boxWith({ HTTPS_PROXY: proxy.url }, 'https://box.test').findUser(context, 'sub-1');
    expect(found).toMatchObject({ ok: true, value: { id: user.id } });
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT box.test:443']));
  } finally {
    setDefaultCACertificates(authorities);
  }
});

it('uses the proxy of HTTP_PROXY for a Box without TLS', async () => {
  plain.api(json(200, { entries: [user] }));
  const found = await boxWith({ HTTP_PROXY: proxy.url }, plain.url).findUser(context, 'sub-1');
  expect(found).toMatchObject({ ok: true, value: { id: user.id } });
  expect(proxy.asked).toHaveLength(2);
  expect(proxy.asked[0]).toBe(`POST ${plain.url}/oauth2/token`);
});

it('connects directly to the hosts of NO_PROXY, and when no proxy is set', async () => {
  const ways: Record<string, string>[] = [{ HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }, {}];
  for (const variables of ways) {
    plain.api(json(200, { entries: [user] }));
    const found = await boxWith(variables, plain.url).findUser(context, 'sub-1');
    expect(found).toMatchObject({ ok: true });
    restore();
  }
  expect(proxy.asked).toEqual([]);
});

it('knows that nothing was sent when the proxy refuses the tunnel', async () => {
  proxy.refuse = 403;
  const box = boxWith({ HTTPS_PROXY: proxy.url }, 'https://box.test');
  const made = await box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
  expect(made).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
});
