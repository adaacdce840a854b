import type { Database } from '@foyer/persistence';
import type { Dice } from '../dice.ts';
import type { Admin } from './admin.ts';
import type { BoxWire } from './boundaries/box-wire.ts';
import type { VirtualClock } from './clock.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { SqlDesk } from './boundaries/sql.ts';
import type { WorstQueue } from './queue.ts';
import type { BoxControl } from '../stack/twins.ts';

export const workers = ['worker 1', 'worker 2', 'worker 3'] as const;
export const roles = [...workers, 'gateway', 'relay', 'sealer'] as const;
export type Role = (typeof roles)[number];

/** What all schedules share: servers, and what is slow to create. */
export interface House {
  readonly admin: Admin;
  readonly desks: Readonly<Record<Role, SqlDesk>>;
  readonly wire: BoxWire;
  readonly twin: BoxControl;
  /** Access without boundaries, for the checks at the end of a schedule. */
  readonly checking: Database;
  /** Stops PostgreSQL and starts it again; when absent, a restart only ends all connections. */
  readonly restart: (() => Promise<void>) | null;
}

/** What the actors of one schedule share. */
export interface World {
  readonly house: House;
  readonly scheduler: Scheduler;
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly queue: WorstQueue;
  readonly tenantId: string;
  readonly app: { readonly clientId: string; readonly clientSecret: string; readonly enterpriseId: string };
}

/** The issuer of all sign-ins. */
export const ISSUER = 'https://example.okta.com';

/** The parts of an actor. */
export interface Context {
  readonly world: World;
  readonly role: Role;
  readonly scheduler: Scheduler;
  readonly actor: Actor;
}

/** A running actor, and what its end means for the world. */
export interface Running {
  readonly actor: Actor;
  readonly role: Role;
  /** Asks it to stop, as SIGTERM does; absent when it cannot be asked. */
  readonly stop?: () => void;
  /** What it had taken when it was killed. */
  readonly drop: () => void;
}

/** Times of the simulated installation, in milliseconds of its own clock. */
export const times = {
  lease: 60_000,
  relayGrace: 5_000,
  boxTimeout: 20_000,
  retry: { attempts: 12, baseMs: 1_000, maxMs: 20_000 },
  callsPerMinute: 1_000,
} as const;
