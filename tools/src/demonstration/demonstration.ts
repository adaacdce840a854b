import { z } from 'zod';
import { signIn, type SignIn } from './browser.ts';
import { type Stack } from '../stack/stack.ts';
import { type BoxCall, SAMPLE_PASSWORD } from '../stack/twins.ts';

/** The Box calls of one sign-in, by their purpose. */
export interface BoxWork {
  /** Calls that created, changed or looked up the person in Box. */
  provisioning: BoxCall[];
  tokens: BoxCall[];
  /** Calls that listed the person's files for the page. */
  files: BoxCall[];
}

interface Seen {
  page: SignIn;
  work: BoxWork;
}

interface Whose {
  readonly externalId: string;
  readonly boxUserId: string | undefined;
}

const Body = z.looseObject({ external_app_user_id: z.string() });

/** The calls for one person; others may be provisioned at the same time. Token calls are for all. */
export function sortCalls(calls: readonly BoxCall[], { externalId, boxUserId }: Whose): BoxWork {
  const isTheirs = ({ path, query, body }: BoxCall): boolean =>
    Body.safeParse(body).data?.external_app_user_id === externalId ||
    query.external_app_user_id === externalId ||
    (boxUserId !== undefined && path === `/2.0/users/${boxUserId}`);
  return {
    tokens: calls.filter(({ path }) => path.startsWith('/oauth2/')),
    files: calls.filter(({ path, asUser }) => asUser === boxUserId && path.startsWith('/2.0/folders/')),
    provisioning: calls.filter(isTheirs),
  };
}

/**
 * Signs a new person in over real HTTP, twice.
 * @returns what the browser showed, what it took, and everything that was wrong
 */
export async function demonstrate(stack: Stack): Promise<{ lines: string[]; faults: string[] }> {
  const mark = Date.now().toString(36);
  const name = `Nia Newcomer-${mark}`;
  const username = `nia.${mark}@example.com`;
  const { id: externalId } = await stack.okta.addPerson({
    login: username,
    firstName: 'Nia',
    lastName: `Newcomer-${mark}`,
  });
  const seen: Seen[] = [];
  for (let times = 0; times < 2; times++) {
    const since = (await stack.box.calls()).at(-1)?.seq ?? 0;
    const page = await signIn(stack.urls.gateway, { username, password: SAMPLE_PASSWORD });
    seen.push({
      page,
      work: sortCalls(await stack.box.calls(since), { externalId, boxUserId: page.boxUserId }),
    });
  }
  return { lines: seen.flatMap(shown), faults: faultsOf(seen, name) };
}

function shown({ page, work: { provisioning, tokens, files } }: Seen): string[] {
  const what = provisioning.map((call) => `${call.method} ${call.path}`).join(', ');
  const calls = `Box calls: ${provisioning.length}${what && ` (${what})`}`;
  return [
    page.message,
    `    Box user ${page.boxUserId ?? 'none'}, ${page.ms.toFixed(0)} ms, ${calls}`,
    `    beside these: ${tokens.length} for tokens (one per process and hour), ${files.length} to show the person's files`,
  ];
}

function faultsOf(seen: readonly Seen[], name: string): string[] {
  const [first, second] = seen;
  if (!first || !second) return ['the sign-in was not made twice'];
  const faults: string[] = [];
  const expect = (holds: boolean, what: string): void => {
    if (!holds) faults.push(what);
  };
  for (const [page, message] of [
    [first.page, `New user created: ${name}`],
    [second.page, `Hello ${name}`],
  ] as const) {
    expect(
      page.message === message,
      `the page should say "${message}", but says "${page.message}" (${page.status}, ${page.url})`,
    );
    expect(page.boxUserId !== undefined, 'the page shows no Box user id');
  }
  expect(first.page.boxUserId === second.page.boxUserId, 'the second sign-in shows another Box user');
  const made = [first.work.provisioning.length, second.work.provisioning.length];
  expect(made[0] === 1 && made[1] === 0, `Box calls should be 1 and 0, but are ${made.join(' and ')}`);
  return faults;
}
