import { json, Router, type NextFunction, type Request, type Response } from 'express';
import { groupsControl } from './control-groups.ts';
import {
  readFault,
  readNewPerson,
  readPersonChange,
  readRotation,
  readSeed,
  readSettings,
} from './control-input.ts';
import { InputError } from '../input.ts';
import { type Org } from '../org/org.ts';
import { PeopleError, type Person } from '../org/people.ts';
import { scimControl } from '../scim/control.ts';

/** The control address, `/_control`: JSON in and out. Invalid input gets 400 with the reason. */
export function control(org: Org): Router {
  const router = Router();
  router.use(json({ limit: '8mb' }));
  people(router, org);
  router.use('/groups', groupsControl(org));
  router.use('/scim', scimControl(org));
  switches(router, org);
  router.use((_req, res) => {
    res.status(404).json({ error: 'no such control address' });
  });
  router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (error instanceof InputError || error instanceof PeopleError)
      res.status(400).json({ error: error.message });
    else if (error instanceof SyntaxError)
      res.status(400).json({ error: `body: is not JSON (${error.message})` });
    else next(error);
  });
  return router;
}

/** A person as the control address shows them: everything but the password. */
function view({ password: _password, ...person }: Person): Omit<Person, 'password'> {
  return person;
}

function people(router: Router, org: Org): void {
  router.get('/people', (_req, res) => {
    res.json({ people: org.people.all().map(view) });
  });
  router.post('/people', (req, res) => {
    const person = org.people.add(readNewPerson(req.body));
    org.scim?.follow(undefined, person);
    res.status(201).json(view(person));
  });
  router.get('/people/:id', (req, res) => {
    answerPerson(res, org.people.find(req.params.id));
  });
  router.patch('/people/:id', (req, res) => {
    const before = org.people.find(req.params.id);
    const after = org.people.change(req.params.id, readPersonChange(req.body));
    org.scim?.follow(before, after);
    answerPerson(res, after);
  });
  router.delete('/people/:id', (req, res) => {
    const before = org.people.find(req.params.id);
    if (org.people.remove(req.params.id)) res.status(204).end();
    else answerPerson(res, undefined);
    org.scim?.follow(before, undefined);
  });
  router.post('/seed', (req, res) => {
    const added: Person[] = [];
    try {
      for (const person of readSeed(req.body)) added.push(org.people.add(person));
    } catch (error) {
      // Adds all people or none.
      for (const { id } of added) org.people.remove(id);
      throw error;
    }
    for (const person of added) org.scim?.follow(undefined, person);
    res.status(201).json({ people: added.map(view) });
  });
}

function answerPerson(res: Response, person: Person | undefined): void {
  if (person) res.json(view(person));
  else res.status(404).json({ error: 'no such person' });
}

function switches(router: Router, org: Org): void {
  router.post('/reset', (_req, res) => {
    org.reset();
    res.json({ people: org.people.all().map(view) });
  });
  router.get('/settings', (_req, res) => {
    res.json(org.settings);
  });
  router.put('/settings', (req, res) => {
    org.settings = { ...org.settings, ...readSettings(req.body) };
    res.json(org.settings);
  });
  router.get('/faults', (_req, res) => {
    res.json({ faults: org.faults.list() });
  });
  router.post('/faults', (req, res) => {
    res.status(201).json(org.faults.add(readFault(req.body)));
  });
  router.delete('/faults', (_req, res) => {
    org.faults.clear();
    res.status(204).end();
  });
  router.post('/rotate-keys', async (req, res) => {
    const body: unknown = req.body;
    const { keepOld = true, server } = readRotation(body ?? {});
    if (server !== 'default') await org.keys.rotate(keepOld);
    if (server !== 'org') await org.customKeys.rotate(keepOld);
    res.json({ org: org.keys.current.kid, default: org.customKeys.current.kid });
  });
  router.get('/calls', (_req, res) => {
    res.json(org.calls.report());
  });
  router.delete('/calls', (_req, res) => {
    org.calls.clear();
    res.status(204).end();
  });
}
