import { describeBoxPort, MemoryCallLog, type BoxMethod, type Trouble } from '@foyer/provisioning/testing';
import { createBox } from './index.ts';
import { BoxTwin } from './twin.harness.ts';

const faults: Record<Exclude<Trouble, object>, object> = {
  'rate-limited': { kind: 'status', status: 429, retryAfter: 7 },
  failing: { kind: 'status', status: 503 },
  'cut-before': { kind: 'resetBefore' },
  'cut-after': { kind: 'resetAfter' },
};
const methods: Record<BoxMethod, string> = {
  createUser: 'POST',
  findUser: 'GET',
  readUser: 'GET',
  updateUser: 'PUT',
  listUsers: 'GET',
  listFolder: 'GET',
};

describeBoxPort('the adapter on the Box twin', async () => {
  const twin = await BoxTwin.start();
  const log = new MemoryCallLog();
  const box = createBox({ auth: twin.auth, baseUrl: twin.url, log });
  return {
    box,
    log,
    meet: async (port, externalId, trouble) => {
      await twin.control('POST', 'faults', {
        match: { externalId, method: methods[port] },
        ...faults[trouble],
      });
    },
    setLookupLag: async (lags) => {
      await twin.control('PUT', 'settings', { lookupLagMs: lags ? 3_600_000 : 0 });
    },
    addFiles: async (boxUserId, names) => {
      await twin.control('POST', 'seed', { files: names.map((path) => ({ userId: boxUserId, path })) });
    },
    close: async () => {
      await box.close();
      await twin.stop();
    },
  };
});
