import { Router, type Request, type Response } from 'express';
import { type Provider } from 'oidc-provider';
import { formOf, readForm } from './forms.ts';
import { type Org } from '../org/org.ts';
import { errorPage, signInPage } from './pages.ts';
import { type Person } from '../org/people.ts';
import { signInPath } from '../provider/provider.ts';
import { TTL } from '../settings.ts';

/** Okta's sign-in form. Any failure shows the form again with one message, whatever the reason was. */
export function signIn(org: Org, provider: Provider): Router {
  const router = Router();
  router.get(signInPath(':uid'), async (req: Request, res: Response) => {
    const interaction = await interactionOf(provider, req, res);
    if (!interaction) return expired(res);
    const { login_hint: hint } = interaction.params;
    res.type('html').send(signInPage({ login: typeof hint === 'string' ? hint : '', failed: false }));
  });
  router.post(signInPath(':uid'), readForm, async (req: Request, res: Response) => {
    const interaction = await interactionOf(provider, req, res);
    if (!interaction) return expired(res);
    const form = formOf(req);
    const login = form.get('username') ?? '';
    const person = org.people.findByLogin(login);
    if (!person || person.password !== form.get('password') || person.status !== 'ACTIVE') {
      res.type('html').send(signInPage({ login, failed: true }));
      return;
    }
    interaction.result = { login: { accountId: person.id, amr: ['pwd'], remember: false } };
    // Another person may have signed in meanwhile in another tab; the response to this form still counts.
    interaction.session = undefined;
    await interaction.persist();
    await handOver(provider, req, res, person);
    res.redirect(303, interaction.returnTo);
  });
  return router;
}

async function interactionOf(provider: Provider, req: Request, res: Response) {
  const uid = provider.createContext(req, res).cookies.get(provider.cookieName('interaction'));
  if (uid === undefined || uid !== req.params['uid']) return undefined;
  return provider.Interaction.find(uid);
}

/** Okta replaces the signed-in person at once; oidc-provider would first show a sign-out page. */
async function handOver(provider: Provider, req: Request, res: Response, person: Person): Promise<void> {
  const session = await provider.Session.get(provider.createContext(req, res));
  if (session.accountId === undefined || session.accountId === person.id) return;
  session.accountId = person.id;
  session.authorizations = {};
  await session.save(TTL.session);
}

function expired(res: Response): void {
  res
    .status(400)
    .type('html')
    .send(
      errorPage(400, 'This sign-in has expired or was begun in another browser. Start again from your app.'),
    );
}
