import type { Identity, ProvisioningRequest } from '@foyer/shared';
import { whyNoFiles } from './person.ts';

const at = '2026-11-30T09:00:00.000Z';
const account = {
  boxUserId: '1795253999732',
  name: 'Ada Example',
  status: 'active' as const,
  missingSince: null,
  inStep: true,
  createdAt: at,
  updatedAt: at,
};
const ada: Identity = {
  id: '7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02',
  issuer: 'https://example.okta.com',
  subject: '00uAda',
  username: 'ada@example.com',
  email: 'ada@example.com',
  name: 'Ada Example',
  active: true,
  generation: 1,
  mergedInto: null,
  createdAt: at,
  updatedAt: at,
  boxAccount: account,
};
const request = (more: Partial<ProvisioningRequest>) => ({
  id: 'b8b1a3de-5d3b-4f5e-9a0c-0d7c5f0e8a11',
  status: 'queued' as const,
  outcome: null,
  error: null,
  nextAttemptAt: null,
  ...more,
});

describe('why a person has no files', () => {
  it('is not shown for an active, mapped person who is in step', () => {
    expect(whyNoFiles(ada, null)).toBeNull();
  });

  it.each<[string, Partial<Identity>, Parameters<typeof whyNoFiles>[1], RegExp]>([
    ['deactivated', { active: false }, null, /deactivated/],
    [
      'deleted, and kept by Box',
      { active: false },
      request({ status: 'succeeded', outcome: 'kept' }),
      /Box did not delete the Box user \d+: it is kept, inactive\. .+ delete the user in Box/,
    ],
    ['no Box user and no request', { boxAccount: null }, null, /no Box user yet\. There is no request/],
    ['a queued request', { boxAccount: null }, request({}), /Request b8b1a3de\S+ is queued\./],
    [
      'a failed request, with its remedy and the command',
      { boxAccount: null },
      request({
        status: 'failed',
        error: { code: 'box_forbidden', title: 'Forbidden', detail: null, docs: '' },
      }),
      /failed \(box_forbidden: Forbidden\)\. .+ Then: npm run foyer -- dead retry b8b1a3de/,
    ],
    [
      'a request that is tried again later',
      { boxAccount: null },
      request({
        status: 'retrying',
        nextAttemptAt: at,
        error: { code: 'box_unavailable', title: 'Away', detail: null, docs: '' },
      }),
      /is retrying \(box_unavailable: Away\); the next attempt is at 2026-11-30T09:00:00\.000Z\./,
    ],
    [
      'a Box user that was deleted',
      { boxAccount: { ...account, missingSince: at } },
      null,
      /was deleted.*recreate/,
    ],
    ['an inactive Box user', { boxAccount: { ...account, status: 'inactive' } }, null, /inactive in Box/],
    [
      'a profile that Box lacks',
      { boxAccount: { ...account, inStep: false } },
      request({}),
      /newest profile/,
    ],
    [
      'a request that ended without a Box user',
      { boxAccount: null },
      request({ status: 'succeeded' }),
      /ended as succeeded/,
    ],
  ])('is shown for %s', (_what, change, newest, expected) => {
    expect(whyNoFiles({ ...ada, ...change }, newest)).toMatch(expected);
  });

  it('is the first obstacle: a deactivated person with a deleted Box user is deactivated', () => {
    const gone = { ...ada, active: false, boxAccount: { ...account, missingSince: at } };
    expect(whyNoFiles(gone, null)).toMatch(/deactivated/);
  });
});
