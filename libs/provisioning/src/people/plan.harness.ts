import type { BoxAccount, BoxUser, Desired, Known } from './model.ts';

/** One person, as the tests of the plan know them. */

export const desired: Desired = {
  identityId: 'i',
  externalId: '00u1',
  name: 'Ada Example',
  active: true,
  generation: 3,
};
export const account: BoxAccount = {
  boxUserId: '11',
  name: 'Ada Example',
  status: 'active',
  appliedGeneration: 3,
};
export const user: BoxUser = {
  id: '11',
  name: 'Ada',
  login: 'x',
  status: 'active',
  externalId: '00u1',
  isAppUser: true,
};
export const nothing: Known = { account: null, lastCreate: null, observed: {}, effect: null };
