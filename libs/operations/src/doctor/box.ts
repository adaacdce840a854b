import type { Box } from '@foyer/box';
import { boxAppProblem, type TenantBoxApp } from '@foyer/persistence';
import type { BoxResult } from '@foyer/provisioning';
import { errorCatalog } from '@foyer/shared';
import { failed, notChecked, ok, type Check, type Finding } from './check.ts';

export interface BoxSources {
  readonly box: Box;
  readonly boxApp: TenantBoxApp;
  /** Any active Box user that Foyer created; null while there is none. */
  readonly someBoxUser: () => Promise<string | null>;
}

const context = { requestId: null, identityId: null, lease: null };
const REACH =
  'Check BOX_BASE_URL, and that this machine reaches Box, through HTTPS_PROXY if there is a proxy.';
/** A group of this name is not expected to exist: the look-up only shows whether Box allows reading. */
const NO_SUCH_GROUP = 'foyer doctor looks for a group that is not there';

/**
 * `sources`: how to reach Box, or why it cannot be asked. The first three checks are one recorded call to Box each, and
 * the first also fetches a token.
 */
export function boxChecks(sources: BoxSources | { readonly missing: string }): Check[] {
  if ('missing' in sources)
    return [
      {
        name: 'Box credentials',
        remedy: REACH,
        run: async () =>
          notChecked(sources.missing, 'Give doctor the provisioner’s environment, with --env-file FILE.'),
      },
    ];
  const { box, boxApp, someBoxUser } = sources;
  return [
    {
      name: 'Box credentials and the right to manage users',
      remedy: REACH,
      run: async () =>
        answerOf(await box.listUsers(context, { limit: 1 }), 'Box accepts them and lists its users.'),
    },
    {
      name: 'right to manage groups',
      remedy: REACH,
      run: async () =>
        answerOf(await box.findGroup(context, NO_SUCH_GROUP), 'Box allows the app to search for groups.'),
    },
    {
      name: 'acting as users',
      remedy: REACH,
      run: async () => {
        const boxUserId = await someBoxUser();
        if (boxUserId === null) return notChecked('There is no Box user to act as yet.');
        const listed = await box.listFolder(context, { boxUserId, folderId: '0', limit: 1 });
        return answerOf(listed, `Box lists the folder of Box user ${boxUserId}.`);
      },
    },
    {
      name: 'Box app of the accounts',
      remedy: REACH,
      run: async () => {
        const problem = boxAppProblem(await boxApp.read());
        return problem === null
          ? ok('The accounts belong to the configured Box app.')
          : failed(problem, 'Run npm run foyer -- box-app, which shows both apps and what you can do.');
      },
    },
  ];
}

function answerOf(result: BoxResult<unknown>, good: string): Finding {
  if (result.ok) return ok(good);
  const { code, detail } = result.fault;
  const { title, remedy } = errorCatalog[code];
  return failed(
    `${code}: ${title}${detail === undefined ? '' : ` (${detail})`}`,
    `${remedy} docs/configure-box.md`,
  );
}
