import { publicKeyFromPem } from '../config.ts';
import { readFaultRule } from './control-faults.ts';
import { ControlInput, ControlProblem, given, readControlJson } from './control-input.ts';
import { seed } from './control-seed.ts';
import type { BoxApp } from '../access/apps.ts';
import { boxDate } from '../http/dates.ts';
import type { BoxGroup, Membership } from '../groups/group-store.ts';
import { notificationEmailShapes } from '../users/user-view.ts';
import type { BoxUser } from '../users/user-store.ts';
import { emptyAnswer, jsonAnswer, type Answer, type WireRequest } from '../http/wire.ts';
import type { Settings, World } from '../world.ts';

type Handler = (world: World, request: WireRequest) => unknown;

/**
 * Controls the twin for tests and operators; not a part of Box. Handlers return the JSON of the response, or
 * undefined for 204.
 */
const handlers: Record<string, Handler> = {
  'GET /_control/health': () => ({ status: 'ok' }),
  'GET /_control/state': (world) => state(world),
  'GET /_control/calls': (world, { query }) => ({
    calls: world.calls.list(readSince(query.get('since') ?? '0')),
    dropped: world.calls.dropped,
  }),
  'DELETE /_control/calls': (world) => world.calls.clear(),
  'POST /_control/reset': (world) => world.reset(),
  'POST /_control/seed': (world, { body }) => seed(world, readControlJson(body)),
  'GET /_control/settings': (world) => world.settings,
  'PUT /_control/settings': (world, { body }) => putSettings(world, readControlJson(body)),
  'PUT /_control/apps': (world, { body }) => putApp(world, readControlJson(body)),
  'GET /_control/faults': (world) => ({ faults: world.faults.list() }),
  'POST /_control/faults': (world, { body }) => world.faults.add(readFaultRule(readControlJson(body))),
  'DELETE /_control/faults': (world) => world.faults.clear(),
};

/** Handles /_control; invalid input gets 400 with { error }. */
export function answerControl(world: World, request: WireRequest): Answer {
  const handler = handlers[`${request.method} ${request.path}`];
  if (!handler) {
    const known = Object.keys(handlers);
    const status = known.some((key) => key.endsWith(` ${request.path}`)) ? 405 : 404;
    return jsonAnswer(status, { error: `There is no ${request.method} ${request.path}`, known });
  }
  try {
    const value = handler(world, request);
    return value === undefined ? emptyAnswer(204) : jsonAnswer(200, value);
  } catch (error) {
    if (error instanceof ControlProblem) return jsonAnswer(400, { error: error.message });
    throw error;
  }
}

function readSince(given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new ControlProblem('since must be the number of a call');
}

function state(world: World): object {
  return {
    enterpriseId: world.config.enterpriseId,
    users: [...world.users.all()].map((user) => showUser(world, user)),
    apps: [...world.apps.values()].map(showApp),
    tokens: { issued: world.tokens.issued, live: world.tokens.liveCount(world.now()) },
    groups: world.groups.all().map((group) => showGroup(world, group)),
    memberships: world.groups.memberships().map(showMembership),
    items: world.items.size,
    settings: world.settings,
  };
}

function showUser(world: World, user: BoxUser): object {
  const { id, kind, login, externalId, clientId, profile, createdAt, modifiedAt } = user;
  return {
    id,
    kind,
    name: profile.name,
    login,
    externalId,
    clientId,
    status: profile.status,
    language: profile.language,
    timezone: profile.timezone,
    jobTitle: profile.job_title,
    phone: profile.phone,
    address: profile.address,
    createdAt: boxDate(createdAt),
    modifiedAt: boxDate(modifiedAt),
    items: world.items.ownedBy(id).length,
    spaceUsed: world.items.spaceUsed(id),
  };
}

function showGroup(world: World, { id, name, profile, createdAt, modifiedAt }: BoxGroup): object {
  return {
    id,
    name,
    members: world.groups.groupSize(id),
    provenance: profile.provenance ?? null,
    createdAt: boxDate(createdAt),
    modifiedAt: boxDate(modifiedAt),
  };
}

const showMembership = ({ id, userId, groupId, role }: Membership): object => ({ id, userId, groupId, role });

function showApp({ clientSecret: _secret, publicKeys, ...app }: BoxApp): object {
  return { ...app, publicKeys: publicKeys.length };
}

function putSettings(world: World, body: unknown): Settings {
  const input = new ControlInput(body, 'settings', Object.keys(world.settings));
  const changes = given({
    latencyMs: input.whole('latencyMs', 0, 600_000),
    rateLimitPerMinute: input.wholeOrNull('rateLimitPerMinute', 1),
    lookupLagMs: input.whole('lookupLagMs', 0),
    tokenLifetimeSeconds: input.whole('tokenLifetimeSeconds', 1),
    retention: input.flag('retention'),
    notificationEmail: input.oneOf('notificationEmail', notificationEmailShapes),
    unauthorizedBody: input.oneOf('unauthorizedBody', ['empty', 'envelope'] as const),
    inactiveAsUser: input.oneOf('inactiveAsUser', ['unauthorized', 'forbidden'] as const),
    clockOffsetMs: input.whole('clockOffsetMs', -1e12, 1e12),
  });
  Object.assign(world.settings, changes);
  return world.settings;
}

const appFields = [
  'authorized',
  'manageUsers',
  'manageGroups',
  'userTokens',
  'asUser',
  'enterpriseAccess',
] as const;

function putApp(world: World, body: unknown): object {
  const known = ['clientId', 'clientSecret', 'publicKeys', 'grants', ...appFields];
  const input = new ControlInput(body, 'app', known);
  const clientId = input.needText('clientId');
  const clientSecret = input.text('clientSecret');
  if (clientSecret === undefined && !world.apps.has(clientId))
    throw input.wrong('clientSecret', 'given for a new app');
  const grants = input.list('grants').map((grant) => {
    if (grant === 'client_credentials' || grant === 'jwt') return grant;
    throw input.wrong('grants', 'a list of client_credentials, jwt');
  });
  const changes = given({
    clientSecret,
    publicKeys: input.has('publicKeys')
      ? input.list('publicKeys').map((pem) => readKey(input, pem))
      : undefined,
    grants: input.has('grants') ? grants : undefined,
    authorized: input.flag('authorized'),
    manageUsers: input.flag('manageUsers'),
    manageGroups: input.flag('manageGroups'),
    userTokens: input.flag('userTokens'),
    asUser: input.flag('asUser'),
    enterpriseAccess: input.flag('enterpriseAccess'),
  });
  return showApp(world.putApp(clientId, changes));
}

function readKey(input: ControlInput, pem: unknown): BoxApp['publicKeys'][number] {
  try {
    return publicKeyFromPem(typeof pem === 'string' ? pem : '');
  } catch {
    throw input.wrong('publicKeys', 'a list of RSA public keys in PEM, 2048 bits or more');
  }
}
