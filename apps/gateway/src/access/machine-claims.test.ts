import { describe, expect, test } from '@jest/globals';
import { machineOf, type GrantClaims } from './machine-claims.ts';

const entra = { azp: 'a1b2', oid: 'o1', tid: 't1' };

describe('tokens of machines', () => {
  const machines: [string, GrantClaims, string, readonly string[]][] = [
    ['Okta', { sub: '0oa1', cid: '0oa1', scp: ['foyer.read'] }, '0oa1', ['foyer.read']],
    ['Auth0', { sub: 'K1AU@clients', azp: 'K1AU', scope: ['foyer.read'] }, 'K1AU', ['foyer.read']],
    [
      'Auth0 with RFC 9068',
      { sub: 'K1AU@clients', client_id: 'K1AU', scope: ['foyer.read'] },
      'K1AU',
      ['foyer.read'],
    ],
    ['Entra ID', { ...entra, sub: 'o1', idtyp: 'app', roles: ['foyer.read'] }, 'a1b2', ['foyer.read']],
    ['Entra ID, version 1', { sub: 'o1', appid: 'a1b2', idtyp: 'app', roles: ['x'] }, 'a1b2', ['x']],
    ['RFC 9068', { sub: 'reports', client_id: 'reports', scope: ['foyer.read'] }, 'reports', ['foyer.read']],
    ['without any right', { sub: '0oa1', cid: '0oa1' }, '0oa1', []],
  ];
  test.each(machines)('%s', (_name, claims, clientId, scopes) => {
    expect(machineOf(claims)).toEqual({ clientId, scopes });
  });
});

describe('tokens of people, and tokens of unknown owners', () => {
  const people: [string, GrantClaims][] = [
    ['Okta', { sub: 'ada@example.com', cid: '0oa1', uid: '00u1', scp: ['foyer.read'] }],
    ['Okta, with the client as its subject', { sub: '0oa1', cid: '0oa1', uid: '00u1' }],
    ['Okta, with an empty uid', { sub: '0oa1', cid: '0oa1', uid: null }],
    ['Auth0', { sub: 'auth0|65', azp: 'K1AU', scope: ['openid', 'foyer.read'] }],
    ['Auth0, without azp', { sub: 'auth0|65', scope: ['openid', 'foyer.read'] }],
    ['Auth0, a person whose id looks like a client', { sub: 'auth0|K1AU@clients', azp: 'K1AU' }],
    ['another client’s subject', { sub: 'OTHER@clients', azp: 'K1AU' }],
    ['Entra ID', { ...entra, sub: 'pairwise', scp: ['foyer.read'] }],
    ['Entra ID, which says so', { ...entra, sub: 'pairwise', scp: ['foyer.read'], idtyp: 'user' }],
    ['Entra ID, contradicting itself', { ...entra, sub: 'a1b2', idtyp: 'app', scp: ['foyer.read'] }],
    ['Entra ID, silent', { ...entra, sub: 'o1', roles: ['foyer.read'] }],
    ['Entra ID, an app without its id', { sub: 'o1', idtyp: 'app', roles: ['foyer.read'] }],
    ['Keycloak', { sub: '5a1f', azp: 'web', scope: ['foyer.read'] }],
    ['nothing but a subject', { sub: 'reports', scope: ['foyer.read'] }],
    ['the same but for the case', { sub: 'Reports', client_id: 'reports' }],
    ['an empty client', { sub: '@clients', azp: '' }],
  ];
  test.each(people)('%s', (_name, claims) => {
    expect(machineOf(claims)).toBeNull();
  });
});
