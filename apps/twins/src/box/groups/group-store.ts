export const invitabilityLevels = ['admins_only', 'admins_and_members', 'all_managed_users'] as const;
export const memberRoles = ['member', 'admin'] as const;
type MemberRole = (typeof memberRoles)[number];
type InvitabilityLevel = (typeof invitabilityLevels)[number];

/** The fields that callers can set, under Box's own names. */
export interface GroupProfile {
  provenance?: string;
  external_sync_identifier?: string;
  description?: string;
  invitability_level: InvitabilityLevel;
  member_viewability_level: InvitabilityLevel;
}

export interface BoxGroup {
  id: string;
  name: string;
  profile: GroupProfile;
  createdAt: number;
  modifiedAt: number;
}

export interface Membership {
  id: string;
  userId: string;
  groupId: string;
  role: MemberRole;
  /** The permissions of an admin of the group; null when all are disabled. */
  permissions: Record<string, boolean> | null;
  createdAt: number;
  modifiedAt: number;
}

/**
 * The enterprise's groups and memberships, in order of creation. Unique: a group's name, and a user in a group.
 * Everything is indexed, so a large group costs no more than a small one.
 */
export class GroupStore {
  readonly #byId = new Map<string, BoxGroup>();
  readonly #byName = new Map<string, BoxGroup>();
  readonly #memberships = new Map<string, Membership>();
  readonly #byGroup = new Map<string, Map<string, Membership>>();
  readonly #byUser = new Map<string, Map<string, Membership>>();

  get(id: string): BoxGroup | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): BoxGroup | undefined {
    return this.#byName.get(nameKey(name));
  }

  all(): BoxGroup[] {
    return [...this.#byId.values()];
  }

  /** Adds a group; the caller has just checked that its id and name are free. */
  insert(group: BoxGroup): void {
    this.#byId.set(group.id, group);
    this.#byName.set(nameKey(group.name), group);
  }

  /** Renames the group; the caller has just checked that the name is free. */
  rename(group: BoxGroup, name: string): void {
    this.#byName.delete(nameKey(group.name));
    group.name = name;
    this.#byName.set(nameKey(name), group);
  }

  /** Deletes the group and its memberships. */
  remove(group: BoxGroup): void {
    for (const membership of this.ofGroup(group.id)) this.removeMembership(membership);
    this.#byId.delete(group.id);
    this.#byName.delete(nameKey(group.name));
  }

  membership(id: string): Membership | undefined {
    return this.#memberships.get(id);
  }

  membershipOf(groupId: string, userId: string): Membership | undefined {
    return this.#byGroup.get(groupId)?.get(userId);
  }

  ofGroup(groupId: string): Membership[] {
    return [...(this.#byGroup.get(groupId)?.values() ?? [])];
  }

  ofUser(userId: string): Membership[] {
    return [...(this.#byUser.get(userId)?.values() ?? [])];
  }

  groupSize(groupId: string): number {
    return this.#byGroup.get(groupId)?.size ?? 0;
  }

  insertMembership(membership: Membership): void {
    const { id, groupId, userId } = membership;
    this.#memberships.set(id, membership);
    innerMap(this.#byGroup, groupId).set(userId, membership);
    innerMap(this.#byUser, userId).set(groupId, membership);
  }

  removeMembership({ id, groupId, userId }: Membership): void {
    this.#memberships.delete(id);
    dropInner(this.#byGroup, groupId, userId);
    dropInner(this.#byUser, userId, groupId);
  }

  /** Deletes all memberships of a user. */
  removeUser(userId: string): void {
    for (const membership of this.ofUser(userId)) this.removeMembership(membership);
  }

  memberships(): Membership[] {
    return [...this.#memberships.values()];
  }

  clear(): void {
    for (const map of [this.#byId, this.#byName, this.#memberships, this.#byGroup, this.#byUser]) map.clear();
  }
}

const nameKey = (name: string): string => name.toLowerCase();

type Nested = Map<string, Map<string, Membership>>;

function innerMap(outer: Nested, key: string): Map<string, Membership> {
  const known = outer.get(key);
  if (known) return known;
  const made = new Map<string, Membership>();
  outer.set(key, made);
  return made;
}

function dropInner(outer: Nested, key: string, innerKey: string): void {
  const inner = outer.get(key);
  inner?.delete(innerKey);
  if (inner?.size === 0) outer.delete(key);
}
