import { ScimGroups, ScimUsers, type Intake, type OpenedRequest } from '@foyer/persistence';
import { KeyConflict } from '@foyer/directory';
import type { Document, GroupEdit } from '@foyer/scim';
import {
  externalIdOf,
  isDue,
  isOver,
  type AnyScript,
  type GroupScript,
  type HandScript,
  type PersonScript,
  type PersonStep,
  type SaidOfGroup,
  type SaidOfPerson,
} from '../directory.ts';
import { bounded } from '../boundaries/ports.ts';
import type { Thread } from '../scheduler.ts';
import { ISSUER, type Context } from '../world.ts';
import { sessionsOutlive, sessionsOf, signIn } from '../sessions.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const anything = (): void => undefined;

interface Doors {
  readonly intake: Intake;
  readonly users: ScimUsers;
  readonly groups: ScimGroups;
}
type Enqueue = (thread: Thread, requests: readonly OpenedRequest[]) => Promise<void>;

/** The writing side of the gateway's SCIM server: each script is a thread, which the next gateway continues. */
export function directoryDoor(
  context: Context,
  intake: Intake,
  enqueue: Enqueue,
): (script: AnyScript) => void {
  const { world, role, scheduler, actor } = context;
  const { house, tenantId, clock } = world;
  const { database } = house.desks[role];
  const users = bounded(new ScimUsers(database, tenantId, ISSUER), context, {
    create: 'scim.users.create',
    update: 'scim.users.update',
    remove: 'scim.users.remove',
  });
  const groups = bounded(new ScimGroups(database, tenantId), context, {
    create: 'scim.groups.create',
    edit: 'scim.groups.edit',
    remove: 'scim.groups.remove',
  });
  const push = async (script: AnyScript): Promise<readonly OpenedRequest[]> => {
    if (script.kind === 'group') return pushGroup(world, script, groups);
    if (script.kind === 'hand') return pushHand(script, users);
    return pushPerson(context, script, { intake, users, groups });
  };
  const run = async (thread: Thread, script: AnyScript): Promise<void> => {
    while (!isOver(script)) {
      await scheduler.reach(thread, 'gateway waits for a push', [], () => isDue(script, clock.now));
      try {
        const requests = await push(script);
        await enqueue(thread, requests);
      } catch (error) {
        scheduler.trace.push(
          `  not pushed: ${error instanceof Error ? error.message.split('\n')[0] : typeof error}`,
        );
        await scheduler.reach(thread, 'gateway is pushed again');
      }
    }
  };
  return (script) => void scheduler.spawn(actor, 'push', (thread) => run(thread, script));
}

const documentOf = ({ externalId, userName, displayName, active }: SaidOfPerson): Document => ({
  ...{ schemas: [USER], userName, externalId, displayName, active },
});

async function pushPerson(
  context: Context,
  script: PersonScript,
  doors: Doors,
): Promise<readonly OpenedRequest[]> {
  const step = script.steps[script.done]!;
  script.sessions ??= await sessionsOf(context.world, script.id);
  const { requests, said } = await carryOut(context, script, step, doors);
  const { sessions } = script;
  const before = script.said?.externalId ?? script.tokenId;
  const at = context.world.clock.now + script.pauseMs;
  Object.assign(script, { said, done: script.done + 1, sessions: null, at });
  const hasMoved = said !== null && before !== null && said.externalId !== before;
  if ((said?.active === false || hasMoved) && (await sessionsOutlive(context.world, sessions)))
    context.scheduler.faults.push(
      `a session of ${before} outlived their ${hasMoved ? 'change of id' : 'being switched off'}`,
    );
  return requests;
}

interface Pushed {
  readonly requests: readonly OpenedRequest[];
  /** Null until the directory pushed the person. */
  readonly said: SaidOfPerson | null;
}

async function carryOut(
  context: Context,
  script: PersonScript,
  step: PersonStep,
  doors: Doors,
): Promise<Pushed> {
  const externalId = externalIdOf(script);
  const userName = `${script.subject}@example.com`;
  const fresh: SaidOfPerson = {
    ...{ externalId, userName, displayName: 'Ada Pushed', active: true, isDeleted: false, isRemoved: false },
  };
  const last = script.said ?? fresh;
  switch (step.kind) {
    case 'assign':
      return { requests: await assign(context, script, fresh, doors), said: fresh };
    case 'change': {
      const said = { ...last, ...step.to };
      return { requests: await update(script, doors, step.to), said };
    }
    case 'switch':
      return {
        requests: await update(script, doors, { active: step.active }),
        said: { ...last, active: step.active },
      };
    case 'visit':
      return { requests: await visit(context, script, step.as, doors), said: script.said };
    case 'move':
      return { requests: await update(script, doors, { externalId }), said: { ...last, externalId } };
    case 'rehire': {
      const requests = await update(script, doors, { externalId, active: true });
      return { requests, said: { ...last, externalId, active: true } };
    }
    case 'delete': {
      // Null: an earlier push did it, but its response was lost.
      const requests = (await doors.users.remove(script.id!, step.policy, anything)) ?? [];
      return {
        requests,
        said: { ...last, active: false, isDeleted: true, isRemoved: step.policy === 'delete' },
      };
    }
  }
}

async function assign(
  { world }: Context,
  script: PersonScript,
  said: SaidOfPerson,
  { users }: Doors,
): Promise<readonly OpenedRequest[]> {
  try {
    const { resource, requests } = await users.create(documentOf(said));
    script.id = resource.id;
    return requests;
  } catch (error) {
    if (!(error instanceof KeyConflict)) throw error;
    const [found] = await world.house.admin.query<{ id: string }>(
      `SELECT id FROM identity WHERE tenant_id = $1 AND (subject = $2 OR username = $3) AND scim_deleted_at IS NULL`,
      [world.tenantId, said.externalId, said.userName],
    );
    if (!found) throw error;
    script.id = found.id;
    return (await users.update(found.id, () => documentOf(said)))?.requests ?? [];
  }
}

/** Whatever the id, the person is the one whom they were before. */
async function visit(
  { world, scheduler }: Context,
  script: PersonScript,
  as: 'token' | 'shown',
  { intake }: Doors,
): Promise<readonly OpenedRequest[]> {
  const username = `${script.subject}@example.com`;
  const subject = as === 'token' ? script.tokenId! : externalIdOf(script);
  const person = { issuer: ISSUER, subject, username, email: username, name: 'Ada Signed-In' };
  const vouched = { isEmailVerified: true };
  const admission = await intake.admit(person, 'sign-in', undefined, undefined, vouched);
  if (!('identity' in admission)) {
    scheduler.faults.push(`${subject} cannot sign in: ${admission.kind}`);
    return [];
  }
  const { id, sessionEpoch } = admission.identity;
  script.id ??= id;
  if (id !== script.id) scheduler.faults.push(`${subject} leads to another identity than before`);
  await signIn(world, id, sessionEpoch);
  return admission.kind === 'requested' ? [admission] : [];
}

async function update(
  { id }: { readonly id: string | null },
  { users }: Doors,
  to: Document,
): Promise<readonly OpenedRequest[]> {
  return (await users.update(id!, ({ document }) => ({ ...document, ...to })))?.requests ?? [];
}

async function pushHand(script: HandScript, users: ScimUsers): Promise<readonly OpenedRequest[]> {
  const { title } = script.steps[script.done]!;
  const written = await users.update(script.of.id!, ({ document }) => ({ ...document, title }));
  script.done += 1;
  if (written) script.of.title = title;
  return written?.requests ?? [];
}

async function pushGroup(
  world: Context['world'],
  script: GroupScript,
  groups: ScimGroups,
): Promise<readonly OpenedRequest[]> {
  const { requests, said } = await carryOutGroup(world, script, groups);
  script.said = said;
  script.done += 1;
  return requests;
}

async function carryOutGroup(
  world: Context['world'],
  script: GroupScript,
  groups: ScimGroups,
): Promise<{ readonly requests: readonly OpenedRequest[]; readonly said: SaidOfGroup }> {
  const step = script.steps[script.done]!;
  const last = script.said ?? { name: script.name, members: new Set<string>(), isDeleted: false };
  const edit = async (one: GroupEdit, to: Document = {}) =>
    (await groups.edit(script.id!, anything, [one], (document) => ({ ...document, ...to })))?.requests ?? [];
  switch (step.kind) {
    case 'make':
      return { requests: await makeGroup(world, script, groups), said: last };
    case 'add': {
      const value = step.who.id!;
      const requests = await edit({ kind: 'add-members', members: [{ value, display: null, type: null }] });
      return { requests, said: { ...last, members: new Set([...last.members, value]) } };
    }
    case 'remove': {
      const value = step.who.id!;
      const requests = await edit({ kind: 'remove-members', values: [value] });
      return {
        requests,
        said: { ...last, members: new Set([...last.members].filter((one) => one !== value)) },
      };
    }
    case 'rename': {
      const requests = await edit({ kind: 'attributes', operations: [] }, { displayName: step.to });
      return { requests, said: { ...last, name: step.to } };
    }
    case 'drop': {
      const requests = (await groups.remove(script.id!, anything)) ?? [];
      return { requests, said: { ...last, isDeleted: true } };
    }
  }
}

async function makeGroup(
  { house, tenantId }: Context['world'],
  script: GroupScript,
  groups: ScimGroups,
): Promise<readonly OpenedRequest[]> {
  try {
    const { resource, requests } = await groups.create({ schemas: [GROUP], displayName: script.name }, []);
    script.id = resource.id;
    return requests;
  } catch (error) {
    if (!(error instanceof KeyConflict)) throw error;
    // An earlier push did it, but its response was lost.
    const [found] = await house.admin.query<{ id: string }>(
      'SELECT id FROM scim_group WHERE tenant_id = $1 AND deleted_at IS NULL',
      [tenantId],
    );
    script.id = found!.id;
    return [];
  }
}
