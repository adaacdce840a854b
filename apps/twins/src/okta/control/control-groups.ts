import { Router } from 'express';
import { readGroupChange, readNewGroup } from './control-input.ts';
import { type Group } from '../org/groups.ts';
import { InputError } from '../input.ts';
import { type Org } from '../org/org.ts';
import { groupNamed, peopleNamed } from '../provider/references.ts';

/** `/_control/groups`: the org's groups; with `auto` provisioning their changes are pushed. */
export function groupsControl(org: Org): Router {
  const router = Router();
  const view = (group: Group): Record<string, unknown> => ({
    ...group,
    members: org.groups.members(group).map(({ id }) => id),
  });
  router.get('/', (_req, res) => {
    res.json({ groups: org.groups.all().map(view) });
  });
  router.post('/', (req, res) => {
    const { name, members = [] } = readNewGroup(req.body, '');
    const add = peopleNamed(org, members, 'members');
    const group = org.groups.add(name);
    org.groups.regroup(group, { add });
    org.scim?.followGroups([name]);
    res.status(201).json(view(group));
  });
  router.use('/:group', (req, res, next) => {
    if (org.groups.find(req.params.group)) next();
    else res.status(404).json({ error: 'no such group' });
  });
  router.get('/:group', (req, res) => {
    res.json(view(groupNamed(org, req.params.group)));
  });
  router.patch('/:group', (req, res) => {
    res.json(view(change(org, groupNamed(org, req.params.group), req.body)));
  });
  router.delete('/:group', (req, res) => {
    const group = groupNamed(org, req.params.group);
    org.groups.remove(group);
    org.scim?.followRemoval(group.id);
    res.status(204).end();
  });
  return router;
}

/** The new name is set first, then the members. */
function change(org: Org, group: Group, body: unknown): Group {
  const { name = group.name, members, add = [], remove = [] } = readGroupChange(body, '');
  if (members && add.length + remove.length > 0)
    throw new InputError('members', 'is all of them; give it without add and remove');
  const came = peopleNamed(org, members ?? add, members ? 'members' : 'add');
  const staying = new Set(came.map(({ id }) => id));
  const left = members
    ? org.groups.members(group).filter(({ id }) => !staying.has(id))
    : peopleNamed(org, remove, 'remove');
  const renamed = org.groups.rename(group, name);
  if (name !== group.name) org.scim?.followRename(group.id);
  if (came.length + left.length > 0) {
    org.groups.regroup(renamed, { add: came, remove: left });
    org.scim?.followGroups([name]);
  }
  return renamed;
}
