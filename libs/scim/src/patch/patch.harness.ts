import { PATCH_OP, refusal, USER } from '../scim.harness.ts';
import { userType } from '../schema/resource-types.ts';
import { applyPatch } from './apply.ts';
import { readPatch } from './operations.ts';

export const work = { value: 'jane@example.com', type: 'work', primary: true };
export const home = { value: 'jane@home.example.com', type: 'home' };
/** A user with two e-mail addresses, on whom the tests of PATCH operate. */
export const jane = {
  schemas: [USER],
  id: '1',
  userName: 'jane@example.com',
  name: { givenName: 'Jane', familyName: 'Doe' },
  active: true,
  emails: [work, home],
};
export const read = (...operations: unknown[]) => readPatch({ schemas: [PATCH_OP], Operations: operations });
/** The user after these operations. */
export const patch = (...operations: unknown[]) => applyPatch(jane, read(...operations), userType);
/** How these operations are refused: `400 noTarget` and the like. */
export const refused = (...operations: unknown[]) => refusal(() => patch(...operations));
