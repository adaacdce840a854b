import { Router, type Request, type Response } from 'express';
import { readPersonChange } from '../control/control-input.ts';
import { InputError } from '../input.ts';
import { type Org } from '../org/org.ts';
import { type Person } from '../org/people.ts';
import { ScimApp } from './app.ts';
import {
  readGroupReference,
  readImport,
  readMembership,
  readNothing,
  readPersonReference,
  readPushNow,
  readRename,
  readRetry,
  readScimSettings,
  readUnlink,
  readUpdate,
} from './input.ts';
import { groupNamed, peopleNamed, personNamed } from '../provider/references.ts';
import { type ScimSettings } from './settings.ts';
import { type Deed, type Task } from './tasks.ts';

/** Reads the input, changes the org like the administrator, and returns what must be pushed. */
type Action = (org: Org, app: ScimApp, body: unknown) => Deed;

/**
 * `/_control/scim`: the app's provisioning. An action is answered with its task when it has ended, successfully or not.
 */
export function scimControl(org: Org): Router {
  const router = Router();
  configuration(router, org);
  tasks(router, org);
  for (const [name, act] of Object.entries(ACTIONS)) {
    router.post(`/${name}`, async (req: Request, res: Response) => {
      const body: unknown = req.body;
      const app = appOf(org);
      res.json(await app.do(act(org, app, body ?? {})));
    });
  }
  return router;
}

function configuration(router: Router, org: Org): void {
  router.get('/', (_req, res) => {
    res.json(view(appOf(org)));
  });
  router.put('/', (req, res) => {
    const settings = readScimSettings(req.body, org.scim?.settings);
    if (org.scim) org.scim.settings = settings;
    else org.scim = new ScimApp(settings, org);
    const { links } = org.scim;
    const unpushed = settings.pushGroups.filter((name) => {
      const group = org.groups.find(name);
      return group && !links.groups.has(group.id);
    });
    org.scim.followGroups(unpushed);
    res.json(view(org.scim));
  });
  router.delete('/', (_req, res) => {
    org.scim?.stop();
    org.scim = undefined;
    res.status(204).end();
  });
}

function tasks(router: Router, org: Org): void {
  router.get('/tasks', async (req, res) => {
    const app = appOf(org);
    if (req.query['idle'] === 'true') await app.idle();
    const since = Number(req.query['since'] ?? 0);
    if (!Number.isInteger(since)) throw new InputError('since', 'must be the number of a task');
    res.json({ tasks: app.tasks.after(since), pending: app.pending });
  });
  router.post('/retry-failed', async (req, res) => {
    const app = appOf(org);
    const body: unknown = req.body;
    const { tasks: ids } = readRetry(body ?? {}, '');
    const all = app.tasks.after(0).filter(({ status }) => status === 'failed');
    const chosen = ids?.map((id) => selected(app, id)) ?? all.filter(({ httpStatus }) => httpStatus !== 400);
    res.json({ tasks: await app.retry(chosen) });
  });
}

function selected(app: ScimApp, id: number): Task {
  const task = app.tasks.find(id);
  if (task?.status !== 'failed') throw new InputError('tasks', `task ${String(id)} has not failed`);
  if (task.httpStatus === 400)
    throw new InputError('tasks', `task ${String(id)} ended with 400, which Okta does not send again`);
  return task;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  'test-connection': (_org, _app, body) => {
    readNothing(body, '');
    return { kind: 'test-connection' };
  },
  import: (_org, _app, body) => {
    const { confirm = false } = readImport(body, '');
    return { kind: 'import', confirm };
  },
  assign: (org, _app, body) => {
    const person = personOf(org, body);
    // Okta pushes nothing for a person who had the app before it had provisioning.
    if (person.assigned) throw new InputError('person', 'is assigned already; use provision-user');
    org.people.change(person.id, { assigned: true });
    return { kind: 'assign', person: person.id };
  },
  reassign: (org, app, body) => {
    const person = personOf(org, body);
    if (person.assigned) throw new InputError('person', 'is assigned already; use provision-user');
    if (!app.links.users.has(person.id)) throw new InputError('person', 'never was provisioned; use assign');
    org.people.change(person.id, { assigned: true });
    return { kind: 'reassign', person: person.id };
  },
  'provision-user': (org, app, body) => {
    const person = personOf(org, body);
    if (!person.assigned) throw new InputError('person', 'is not assigned; use assign');
    if (app.links.activeUser(person.id)) throw new InputError('person', 'is provisioned already; use update');
    return { kind: 'provision-user', person: person.id };
  },
  update: (org, app, body) => {
    const { person: named, change = {} } = readUpdate(body, '');
    const person = personNamed(org, named);
    const { status: _status, assigned: _assigned, groups: _groups, ...profile } = readPersonChange(change);
    if (!app.links.activeUser(person.id)) throw new InputError('person', 'is not provisioned');
    org.people.change(person.id, profile);
    return { kind: 'update', person: person.id };
  },
  unassign: (org, _app, body) => {
    const person = personOf(org, body);
    org.people.change(person.id, { assigned: false });
    return { kind: 'unassign', person: person.id };
  },
  'push-group': (org, _app, body) => ({
    kind: 'push-group',
    group: groupNamed(org, readGroupReference(body, '').group).id,
  }),
  'push-membership': (org, app, body) => {
    const { group: named, add = [], remove = [] } = readMembership(body, '');
    const group = pushedGroup(org, app, named);
    org.groups.regroup(groupNamed(org, group), {
      add: peopleNamed(org, add, 'add'),
      remove: peopleNamed(org, remove, 'remove'),
    });
    return { kind: 'push-membership', group };
  },
  'rename-group': (org, app, body) => {
    const { group: named, name } = readRename(body, '');
    const group = pushedGroup(org, app, named);
    org.groups.rename(groupNamed(org, group), name);
    return { kind: 'rename-group', group };
  },
  'push-now': (org, app, body) => {
    const { group, as = 'members' } = readPushNow(body, '');
    return { kind: 'push-now', group: pushedGroup(org, app, group), as };
  },
  'unlink-group': (org, app, body) => {
    const { group, deleteInTarget = false } = readUnlink(body, '');
    return { kind: 'unlink-group', group: pushedGroup(org, app, group), deleteInTarget };
  },
};

function appOf(org: Org): ScimApp {
  if (!org.scim) throw new InputError('scim', 'provisioning is not configured; PUT /_control/scim first');
  return org.scim;
}

function personOf(org: Org, body: unknown): Person {
  return personNamed(org, readPersonReference(body, '').person);
}

/** The id of a group that is linked to one on the server. */
function pushedGroup(org: Org, app: ScimApp, named: string): string {
  const { id } = groupNamed(org, named);
  if (!app.links.groups.has(id)) throw new InputError('group', 'is not pushed; use push-group');
  return id;
}

/** The app as the control address shows it, without its token. */
function view(app: ScimApp): Record<string, unknown> {
  const { token: _token, ...settings }: ScimSettings = app.settings;
  return {
    settings,
    users: [...app.links.users].map(([person, link]) => ({ person, ...link })),
    groups: [...app.links.groups].map(([group, link]) => ({ group, ...link, members: [...link.members] })),
    pending: app.pending,
  };
}
