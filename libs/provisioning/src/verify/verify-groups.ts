import type { BoxResult } from '../people/box-port.ts';
import type { BoxGroupsPort, MembershipPage } from '../groups/box-groups-port.ts';
import { ask, runContext, VerifyInterrupted, type Asking } from './verify-recheck.ts';
import type { SeenGroup, StandingGroup, VerifyStore } from './verify-port.ts';

/** The most memberships on a page from Box. */
const PAGE = 1_000;
const GROUPS_AT_ONCE = 100;

export type GroupReader = Pick<BoxGroupsPort, 'readGroup' | 'listMemberships'>;

interface GroupsParts extends Asking {
  readonly box: GroupReader;
  readonly store: VerifyStore;
  readonly onProgress: (done: number) => void;
  readonly onRemark: (line: string) => void;
}

/** How many groups were read, and how many of these matched only on the recheck. */
export interface GroupsRead {
  readonly groups: number;
  readonly passed: number;
}

type Verdict = 'fits' | 'differs' | 'passed';

/**
 * Reads the groups that Foyer has in Box, with their members, and compares them with the database. A group that differs
 * is read a second time, because a listing may lag, or the group may just have been changed.
 */
export async function verifyGroups(runId: string, parts: GroupsParts): Promise<GroupsRead> {
  let groups = 0;
  let passed = 0;
  for (let after: string | null = null; ;) {
    const page: StandingGroup[] = await parts.store.groups(after, GROUPS_AT_ONCE);
    for (const group of page) {
      if ((await check(runId, group, parts)) === 'passed') passed += 1;
      parts.onProgress(++groups);
    }
    if (page.length < GROUPS_AT_ONCE) return { groups, passed };
    after = page.at(-1)!.id;
  }
}

async function check(runId: string, group: StandingGroup, parts: GroupsParts): Promise<Verdict> {
  if ((await differenceOf(group, parts)) === null) return 'fits';
  const found = await differenceOf(group, parts);
  if (found === null) return 'passed';
  await parts.store.keepGroup(runId, group, found.seen, found.detail);
  return 'differs';
}

/** What differs; null when nothing does, or when a request for the group is in progress. */
async function differenceOf(
  group: StandingGroup,
  parts: GroupsParts,
): Promise<{ readonly seen: SeenGroup; readonly detail: string } | null> {
  const seen = await read(group, parts);
  if (seen === 'too-large') {
    parts.onRemark(
      `Box group ${group.boxGroupId}, "${group.name}", has more members than Box lists, so it was not read.`,
    );
    return null;
  }
  const difference = await parts.store.groupDifference(group, seen?.memberships ?? []);
  if (difference === null || difference.isBusy) return null;
  if (seen === null)
    return { seen, detail: `Box group ${group.boxGroupId}, "${group.name}", no longer exists.` };
  const { lacking, extra } = difference;
  const differences = [
    seen.name === group.name ? '' : `is named "${seen.name}" in Box, "${group.name}" here`,
    lacking === 0 ? '' : `lacks ${lacking} of its members`,
    extra === 0 ? '' : `has ${extra} of our Box users who are not members here`,
  ].filter((text) => text !== '');
  if (differences.length === 0) return null;
  return { seen, detail: `Box group ${group.boxGroupId}, "${group.name}", ${differences.join(' and ')}.` };
}

async function read({ boxGroupId }: StandingGroup, parts: GroupsParts): Promise<SeenGroup | 'too-large'> {
  const { box } = parts;
  const group = valueOf(await ask(() => box.readGroup(runContext(null), boxGroupId), parts));
  if (group === null) return null;
  const memberships: { readonly id: string; readonly boxUserId: string }[] = [];
  for (let offset: number | null = 0; offset !== null;) {
    const from: number = offset;
    const page: BoxResult<MembershipPage> = await ask(
      () => box.listMemberships(runContext(null), { boxGroupId, offset: from, limit: PAGE }),
      parts,
      ({ code }) => code === 'box_group_missing' || code === 'box_invalid',
    );
    if (!page.ok) return page.fault.code === 'box_invalid' ? 'too-large' : null;
    memberships.push(...page.value.memberships);
    offset = page.value.nextOffset;
  }
  return { name: group.name, memberships };
}

function valueOf<T>(result: BoxResult<T>): T {
  if (result.ok) return result.value;
  throw new VerifyInterrupted(result.fault);
}
