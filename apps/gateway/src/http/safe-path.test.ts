import type { Request } from 'express';
import { safePath } from './safe-path.ts';

const told = (originalUrl: string, more: object = {}) =>
  safePath({ originalUrl, params: {}, ...more } as Request);
const id = '7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02';

it.each([
  ['/', '/'],
  ['/authorization-code/callback?code=x&state=y', '/authorization-code/callback'],
  [`/v1/provisioning-requests/${id}/retry`, `/v1/provisioning-requests/${id}/retry`],
  [
    '/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User',
    '/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User',
  ],
  ['/scim/v2/Users/.search', '/scim/v2/Users/.search'],
  ['/scim/v2/Users/hunter2', '/scim/v2/Users/…'],
  ['/foyer_scim_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ/x', '/…/x'],
  ['/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', '/…'],
  [`/${'a'.repeat(33)}`, '/…'],
  ['/t/acme2/scim/v2/Users', '/t/…/scim/v2/Users'],
])('%s is logged as %s', (given, expected) => {
  expect(told(given)).toBe(expected);
});

it('shows the tenant after a client was authenticated', () => {
  expect(told('/t/acme2/scim/v2/Users', { params: { tenant: 'acme2' }, scimClient: { actor: 'a' } })).toBe(
    '/t/acme2/scim/v2/Users',
  );
});
