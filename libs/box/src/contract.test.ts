import {
  describeBoxGroupsPort,
  describeBoxFiles,
  describeBoxLifecycle,
  describeBoxPort,
  MemoryCallLog,
  type BoxMethod,
  type BoxSubject,
  type Trouble,
} from '@foyer/provisioning/testing';
import { createBox } from './index.ts';
import { BoxTwin } from '@foyer/testing';

const faults: Record<Exclude<Trouble, object>, object> = {
  'rate-limited': { kind: 'status', status: 429, retryAfter: 7 },
  failing: { kind: 'status', status: 503 },
  'cut-before': { kind: 'resetBefore' },
  'cut-after': { kind: 'resetAfter' },
};

/** Which calls of the twin get a fault; calls about groups have no external id to match. */
const matches: Record<BoxMethod, (externalId: string) => object> = {
  createUser: (externalId) => ({ method: 'POST', externalId }),
  findUser: (externalId) => ({ method: 'GET', externalId }),
  readUser: (externalId) => ({ method: 'GET', externalId }),
  updateUser: (externalId) => ({ method: 'PUT', externalId }),
  deleteUser: (externalId) => ({ method: 'DELETE', externalId }),
  listUsers: (externalId) => ({ method: 'GET', externalId }),
  listFolder: (externalId) => ({ method: 'GET', externalId }),
  readFolderName: (externalId) => ({ method: 'GET', externalId }),
  locateContent: (externalId) => ({ method: 'GET', externalId }),
  createGroup: () => ({ method: 'POST', path: '/2.0/groups' }),
  findGroup: () => ({ method: 'GET', path: '/2.0/groups' }),
  readGroup: () => ({ method: 'GET', path: '/2.0/groups/' }),
  renameGroup: () => ({ method: 'PUT', path: '/2.0/groups/' }),
  deleteGroup: () => ({ method: 'DELETE', path: '/2.0/groups/' }),
  addMembership: (externalId) => ({ method: 'POST', path: '/2.0/group_memberships', externalId }),
  findMembership: (externalId) => ({ method: 'GET', path: '^/2.0/users/\\d+/memberships$', externalId }),
  removeMembership: (externalId) => ({ method: 'DELETE', path: '/2.0/group_memberships/', externalId }),
  listMemberships: () => ({ method: 'GET', path: '^/2.0/groups/\\d+/memberships$' }),
};

interface TwinUser {
  readonly id: string;
  readonly language: string;
  readonly timezone: string;
  readonly jobTitle: string;
  readonly phone: string;
  readonly address: string;
}

const subject = async (): Promise<BoxSubject> => {
  const twin = await BoxTwin.start();
  const log = new MemoryCallLog();
  const box = createBox({ auth: twin.auth, baseUrl: twin.url, log });
  return {
    box,
    log,
    meet: async (port, externalId, trouble) => {
      await twin.control('POST', 'faults', { match: matches[port](externalId), ...faults[trouble] });
    },
    setLookupLag: async (lags) => {
      await twin.control('PUT', 'settings', { lookupLagMs: lags ? 3_600_000 : 0 });
    },
    addFiles: async (boxUserId, names) => {
      await twin.control('POST', 'seed', { files: names.map((path) => ({ userId: boxUserId, path })) });
    },
    addGroups: async (names) => {
      await twin.control('POST', 'seed', { groups: names.map((name) => ({ name })) });
    },
    profileOf: async (boxUserId) => {
      const { users } = await twin.control<{ users: TwinUser[] }>('GET', 'state');
      const user = users.find(({ id }) => id === boxUserId);
      if (!user) throw new Error(`The twin has no user ${boxUserId}.`);
      return user;
    },
    close: async () => {
      await box.close();
      await twin.stop();
    },
  };
};

describeBoxPort('the adapter on the Box twin', subject);
describeBoxFiles('the adapter on the Box twin', subject);
describeBoxLifecycle('the adapter on the Box twin', subject);
describeBoxGroupsPort('the adapter on the Box twin', subject);
