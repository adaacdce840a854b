import { boxAppSources, type BoxAppSources } from '@foyer/operations';
import { describeBoxApp, type BoxAppState } from '@foyer/persistence';
import type { OperatorConfig } from '@foyer/platform';
import { withBox } from './with-box.ts';

/** The time limit of a migration's statement, in milliseconds: it updates every identity at once. */
const SILENCE_MS = 15 * 60_000;

/** Opens what the commands about the Box app use, and closes it after `work`. */
export const withBoxApp = <T>(
  config: OperatorConfig,
  work: (sources: BoxAppSources) => Promise<T>,
): Promise<T> =>
  withBox(config, ({ box, boxApp, ...tenant }) => work(boxAppSources(tenant, boxApp.configured, box)), {
    silenceMs: SILENCE_MS,
  });

/** Why no decision is needed. */
export const settled = ({ bound }: BoxAppState): string =>
  bound === null
    ? 'This tenant is not bound to a Box app yet. The first process that starts binds it to its configured Box app.'
    : 'The accounts belong to the configured Box app: no decision is needed.';

/** The lines that describe the current state. */
export function standing({ bound, configured, differs }: BoxAppState): string[] {
  const since = bound === null ? '' : ` (since ${bound.since.toISOString()})`;
  return [
    `bound:      ${bound === null ? 'none yet; the first process that starts binds its configured app' : describeBoxApp(bound) + since}`,
    `configured: ${describeBoxApp(configured)}${differs ? ', which is a DIFFERENT app' : ''}`,
  ];
}

/** The sentence for a decision that another operator made first. */
export const CHANGED_MEANWHILE =
  'Another operator decided in the meantime. Nothing was done. Check the state again: box-app';
