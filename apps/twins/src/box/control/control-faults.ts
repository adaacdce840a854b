import { ControlInput, ControlProblem, given } from './control-input.ts';
import type { FaultEffect, FaultKind, FaultMatch, FaultRule, FaultStatus } from './faults.ts';

const kinds: Record<FaultKind, (input: ControlInput) => FaultEffect> = {
  status: (input) => ({ kind: 'status', ...readStatus(input) }),
  html: (input) => ({ kind: 'html', status: input.needWhole('status', 200, 599) }),
  resetBefore: () => ({ kind: 'resetBefore' }),
  resetAfter: () => ({ kind: 'resetAfter' }),
  statusAfter: (input) => ({ kind: 'statusAfter', ...readStatus(input) }),
  slow: (input) => ({ kind: 'slow', delayMs: readDelay(input) }),
  slowAfter: (input) => ({ kind: 'slowAfter', delayMs: readDelay(input) }),
  hang: () => ({ kind: 'hang' }),
  damaged: () => ({ kind: 'damaged' }),
};

const rule = ['match', 'times', 'skip', 'every', 'kind'];

const isKind = (text: string): text is FaultKind => Object.hasOwn(kinds, text);

/** Reads { match?, times?, skip?, every?, kind, ... } of POST /_control/faults; throws ControlProblem. */
export function readFaultRule(body: unknown): FaultRule {
  const known = [...rule, 'status', 'retryAfter', 'code', 'message', 'delayMs'];
  const input = new ControlInput(body, 'fault', known);
  const kind = input.needText('kind');
  if (!isKind(kind)) throw input.wrong('kind', `one of ${Object.keys(kinds).join(', ')}`);
  const effect = kinds[kind](input);
  const unused = known.slice(rule.length).filter((name) => input.has(name) && !(name in effect));
  if (unused.length > 0) throw new ControlProblem(`fault.${unused.join(', ')} means nothing for ${kind}`);
  const times = input.wholeOrNull('times', 1);
  return {
    match: readMatch(input.raw('match') ?? {}),
    times: times === undefined ? 1 : times,
    skip: input.whole('skip', 0) ?? 0,
    every: input.whole('every', 1) ?? 1,
    effect,
  };
}

function readMatch(value: unknown): FaultMatch {
  const input = new ControlInput(value, 'fault.match', ['method', 'path', 'externalId', 'clientId']);
  const path = input.text('path');
  if (path !== undefined && !path.startsWith('/')) checkExpression(input, path);
  return given({
    method: input.text('method')?.toUpperCase(),
    path,
    externalId: input.text('externalId'),
    clientId: input.text('clientId'),
  });
}

function checkExpression(input: ControlInput, path: string): void {
  try {
    if (path.startsWith('^')) {
      new RegExp(path);
      return;
    }
  } catch {
    // Reported below, together with its other form.
  }
  throw input.wrong('path', 'a prefix that starts with / or a regular expression that starts with ^');
}

function readStatus(input: ControlInput): FaultStatus {
  const retryAfter =
    typeof input.raw('retryAfter') === 'string' ? input.text('retryAfter') : input.whole('retryAfter', 0);
  return {
    status: input.needWhole('status', 200, 599),
    ...given({ retryAfter, code: input.text('code'), message: input.text('message') }),
  };
}

const readDelay = (input: ControlInput): number => input.needWhole('delayMs', 0, 3_600_000);
