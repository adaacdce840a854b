import type { RequestVersion } from './requests.ts';
import { RequestVersions } from './request-versions.ts';

/** A table of one request that counts its reads, with a clock and notifications that the test controls. */
function parts(first: Partial<RequestVersion> = {}) {
  const row: RequestVersion = {
    version: 1,
    status: 'running',
    nextAttemptAt: null,
    identityId: 'ada',
    ...first,
  };
  const state = { row: row as RequestVersion | null, reads: 0, now: 0, ring: (_id: string) => {} };
  const versions = new RequestVersions(
    {
      version: async () => {
        state.reads += 1;
        return state.row;
      },
    },
    { onChange: (listener) => (state.ring = listener) },
    () => state.now,
  );
  return { state, versions };
}

describe('versions of polled requests', () => {
  it('are read once while nothing changes', async () => {
    const { state, versions } = parts();
    for (let n = 0; n < 5; n++) expect(await versions.find('r', {})).toMatchObject({ version: 1 });
    expect(state.reads).toBe(1);
  });

  it('are read again after a notification of a change', async () => {
    const { state, versions } = parts();
    await versions.find('r', {});
    state.row = { ...state.row!, version: 2 };
    state.ring('r');
    expect(await versions.find('r', {})).toMatchObject({ version: 2 });
  });

  it('of an open request are read again after a second without a notification', async () => {
    const { state, versions } = parts();
    await versions.find('r', {});
    state.row = { ...state.row!, version: 2 };
    state.now = 1_001;
    expect(await versions.find('r', {})).toMatchObject({ version: 2 });
  });

  it('of a final request are cached, and still returned only to authorized callers', async () => {
    const { state, versions } = parts({ status: 'succeeded' });
    await versions.find('r', {});
    state.now = 1e9;
    expect(await versions.find('r', { identityId: 'grace' })).toBeNull();
    expect(await versions.find('r', { identityId: 'ada' })).toMatchObject({ status: 'succeeded' });
    expect(state.reads).toBe(1);
  });

  it('that were read during a change are returned but not cached', async () => {
    const { state, versions } = parts();
    const reading = versions.find('r', {});
    state.ring('r');
    expect(await reading).toMatchObject({ version: 1 });
    state.row = { ...state.row!, version: 2 };
    expect(await versions.find('r', {})).toMatchObject({ version: 2 });
  });

  it('of a request that does not exist are not cached', async () => {
    const { state, versions } = parts();
    const made = state.row;
    state.row = null;
    expect(await versions.find('r', {})).toBeNull();
    state.row = made;
    expect(await versions.find('r', {})).not.toBeNull();
  });
});
