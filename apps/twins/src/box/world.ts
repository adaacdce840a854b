import { setMaxListeners } from 'node:events';
import { appDefaults, serviceIdOf, type AppSwitches, type BoxApp } from './access/apps.ts';
import { CallLog } from './http/calls.ts';
import type { BoxTwinConfig } from './config.ts';
import { FaultList } from './control/faults.ts';
import { Downloads } from './files/downloads.ts';
import { GroupStore, type BoxGroup, type GroupProfile, type Membership } from './groups/group-store.ts';
import { ItemStore } from './files/items.ts';
import { Limiter } from './http/limiter.ts';
import { Tokens } from './access/tokens.ts';
import { profileDefaults, UserStore, type BoxUser } from './users/user-store.ts';
import type { NotificationEmailShape } from './users/user-view.ts';

/** The settings that the control address can change while the twin runs. */
export interface Settings {
  /** A delay before every call is handled. */
  latencyMs: number;
  /** Calls per minute and user; null means no limit. */
  rateLimitPerMinute: number | null;
  /** How long a new user, group or membership is missing from listings and look-ups (a read by id finds it at once). */
  lookupLagMs: number;
  tokenLifetimeSeconds: number;
  /** The enterprise has a retention policy: users with content cannot be deleted by force. */
  retention: boolean;
  notificationEmail: NotificationEmailShape;
  /** The response to a refused token: no body (as observed at Box), or the ClientError envelope. */
  unauthorizedBody: 'empty' | 'envelope';
  /**
   * The response to acting as an inactive user: 401 that states the reason (Box's errors page), or 403 that does not.
   */
  inactiveAsUser: 'unauthorized' | 'forbidden';
  /** Moves the twin's clock and the Date of its responses, so that tokens expire and limits refill without waiting. */
  clockOffsetMs: number;
}

/** The whole state of a Box twin, in memory. */
export class World {
  readonly config: BoxTwinConfig;
  readonly users = new UserStore();
  readonly items = new ItemStore();
  readonly downloads = new Downloads();
  readonly groups = new GroupStore();
  readonly tokens = new Tokens();
  readonly limiter = new Limiter();
  readonly faults = new FaultList();
  readonly calls = new CallLog();
  readonly apps = new Map<string, BoxApp>();
  settings: Settings;
  /** Aborted by a reset or the close: delayed calls are dropped and never change the new state. */
  life = new AbortController();
  /** Ids grow with the clock, so a twin that starts later never reuses an id of an earlier one. */
  #nextId = Date.now();

  constructor(config: BoxTwinConfig) {
    this.config = config;
    this.settings = this.#start();
  }

  now(): number {
    return Date.now() + this.settings.clockOffsetMs;
  }

  nextId(): string {
    this.#nextId += 1;
    return String(this.#nextId);
  }

  /** Resets to the initial state: only the configured app and its service account remain. */
  reset(): void {
    this.life.abort();
    this.life = new AbortController();
    for (const store of [
      this.users,
      this.items,
      this.downloads,
      this.groups,
      this.tokens,
      this.limiter,
      this.faults,
      this.calls,
      this.apps,
    ]) {
      store.clear();
    }
    this.settings = this.#start();
  }

  /**
   * Adds a Box app with its service account, or changes a known one; absent settings keep their value or the default.
   */
  putApp(
    clientId: string,
    changes: Partial<AppSwitches & Pick<BoxApp, 'clientSecret' | 'publicKeys'>>,
  ): BoxApp {
    const known = this.apps.get(clientId);
    const app = {
      ...(known ?? {
        ...appDefaults,
        ...this.#serviceAccount(clientId),
        clientId,
        clientSecret: '',
        publicKeys: [],
      }),
      ...changes,
    };
    this.apps.set(clientId, app);
    return app;
  }

  addUser(given: Omit<BoxUser, 'id' | 'createdAt' | 'modifiedAt'>): BoxUser {
    const now = this.now();
    const user = { ...given, id: this.nextId(), createdAt: now, modifiedAt: now };
    this.users.insert(user);
    return user;
  }

  removeUser(user: BoxUser): void {
    this.users.remove(user);
    this.items.removeOwner(user.id);
    this.groups.removeUser(user.id);
    this.tokens.revokeUser(user.id);
  }

  /** Adds a group; the caller has just checked that its name is free. */
  addGroup(name: string, profile: Partial<GroupProfile>): BoxGroup {
    const now = this.now();
    const levels = { invitability_level: 'admins_only', member_viewability_level: 'admins_only' } as const;
    const group = {
      id: this.nextId(),
      name,
      profile: { ...levels, ...profile },
      createdAt: now,
      modifiedAt: now,
    };
    this.groups.insert(group);
    return group;
  }

  /** Adds a user to a group of which they are not a member. */
  addMembership(given: Omit<Membership, 'id' | 'createdAt' | 'modifiedAt'>): Membership {
    const now = this.now();
    const membership = { ...given, id: this.nextId(), createdAt: now, modifiedAt: now };
    this.groups.insertMembership(membership);
    return membership;
  }

  #start(): Settings {
    setMaxListeners(0, this.life.signal);
    const { clientId, clientSecret, publicKeys, rateLimitPerMinute } = this.config;
    this.settings = {
      latencyMs: 0,
      rateLimitPerMinute,
      lookupLagMs: 0,
      tokenLifetimeSeconds: 3600,
      retention: false,
      notificationEmail: 'omitted',
      unauthorizedBody: 'empty',
      inactiveAsUser: 'unauthorized',
      clockOffsetMs: 0,
    };
    this.putApp(clientId, { clientSecret, publicKeys });
    return this.settings;
  }

  #serviceAccount(clientId: string): Pick<BoxApp, 'serviceId' | 'serviceAccountId'> {
    const serviceId = serviceIdOf(clientId);
    const account = this.addUser({
      kind: 'service',
      clientId,
      login: generatedLogin('AutomationUser', serviceId),
      externalId: null,
      profile: { ...profileDefaults, name: clientId.slice(0, 50) },
      notificationEmail: null,
    });
    return { serviceId, serviceAccountId: account.id };
  }
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The login that Box generates: AppUser_<app id>_<10 random>@boxdevedition.com (user-types page). */
export function generatedLogin(prefix: 'AppUser' | 'AutomationUser', serviceId: string): string {
  let random = '';
  for (let at = 0; at < 10; at += 1) random += letters[Math.floor(Math.random() * letters.length)];
  return `${prefix}_${serviceId}_${random}@boxdevedition.com`;
}
