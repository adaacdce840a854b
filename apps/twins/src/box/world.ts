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

/** What the control address can turn while the twin runs. */
export interface Settings {
  /** Added to every call, before it is handled. */
  latencyMs: number;
  /** Calls a minute of each user; null switches the limit off. */
  rateLimitPerMinute: number | null;
  /** How long a new user, group or membership stays out of listings and look-ups (reading by id sees it at once). */
  lookupLagMs: number;
  tokenLifetimeSeconds: number;
  /** The enterprise has a retention policy: users with content cannot be deleted by force. */
  retention: boolean;
  notificationEmail: NotificationEmailShape;
  /** A refused token's answer: no body (as seen from Box), or the ClientError envelope. */
  unauthorizedBody: 'empty' | 'envelope';
  /** How acting as an inactive user is refused: 401 that names it (Box's errors page), or 403 that does not. */
  inactiveAsUser: 'unauthorized' | 'forbidden';
  /** Moves the twin's clock, and the Date that it answers with: tokens expire and limits refill without waiting. */
  clockOffsetMs: number;
}

/** Everything a Box twin knows, in memory. */
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
  /** Ends with a reset or the close: calls still waiting are dropped, never applied to what comes after. */
  life = new AbortController();
  /** Ids grow with the clock, so a twin started later never gives an id that an earlier one gave. */
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

  /** Back to the start: only the configured app and its service account are left. */
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

  /** Adds a Box app with its service account, or changes a known one; what is left out stays or is the default. */
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

  /** Adds a group whose name the caller has just found free. */
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

  /** Puts a user into a group that they are not in. */
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

/** The login Box makes up: AppUser_<app id>_<10 random>@boxdevedition.com (user-types page). */
export function generatedLogin(prefix: 'AppUser' | 'AutomationUser', serviceId: string): string {
  let random = '';
  for (let at = 0; at < 10; at += 1) random += letters[Math.floor(Math.random() * letters.length)];
  return `${prefix}_${serviceId}_${random}@boxdevedition.com`;
}
