import type { SourceMutant } from './mutant.ts';

const interpretResponse = 'libs/box/src/interpret-response.ts';
const operations = 'libs/box/src/operations.ts';
const groups = 'libs/box/src/operations-groups.ts';
const recorder = 'libs/box/src/recorder.ts';

/** Guards where a response of Box is interpreted, and where a call is recorded before it is sent. */
export const boxMutants: readonly SourceMutant[] = [
  {
    name: 'box: a 5xx counts as a definite failure',
    file: interpretResponse,
    from: 'if (status < 400 || status >= 500 || status === 408) {',
    to: 'if (status < 400 || status === 408) {',
  },
  {
    name: 'box: a lost answer counts as a definite failure',
    file: interpretResponse,
    from: "    case 'lost':\n      return unsettled(operation, {",
    to: "    case 'lost':\n      return unsettled({ ...operation, changes: false }, {",
  },
  {
    name: 'box: an answer that cannot be read counts as a definite failure',
    file: interpretResponse,
    from: 'return unsettled(operation, { status, detail, extract: cleaned({ requestId }, redactor) });',
    to: "return failed(status, fault('box_unavailable', detail), cleaned({ requestId }, redactor));",
  },
  {
    name: 'box: an answer that cannot be read counts as success',
    file: interpretResponse,
    from: "const code = changes ? 'box_ambiguous' : 'box_unavailable';",
    to: "if (told.status === 502) return succeeded({ kind: 'created', user: { id: '1', name: '', login: '', status: 'active', externalId: null, isAppUser: true } } as never, { result: 'ok', status: 200, error: null, answer: {} });\n  const code = changes ? 'box_ambiguous' : 'box_unavailable';",
  },
  {
    name: 'box: a 401 is ambiguous',
    file: interpretResponse,
    from: "if (refused.code !== 'box_auth_failed') return withFault('refused', status, refused, extract);",
    to: "if (refused.code !== 'box_auth_failed') return withFault('ambiguous', status, refused, extract);",
    unseen: 'Asking Box once too often breaks nothing.',
  },
  {
    name: 'box: a 409 to a create is an error',
    file: operations,
    from: "if (status !== 409 || error.code === 'user_login_already_used') return undefined;",
    to: "if (status !== 410 || error.code === 'user_login_already_used') return undefined;",
  },
  {
    name: 'box: an update leaves the status out',
    file: operations,
    from: 'body: { ...given({ name, status, external_app_user_id: externalId }), ...profileBody(profile) },',
    to: 'body: { ...given({ name, external_app_user_id: externalId }), ...profileBody(profile) },',
  },
  {
    name: 'box: an update leaves the external id out',
    file: operations,
    from: 'body: { ...given({ name, status, external_app_user_id: externalId }), ...profileBody(profile) },',
    to: 'body: { ...given({ name, status }), ...profileBody(profile) },',
  },
  {
    name: 'box: a create leaves the status out',
    file: operations,
    from: '    ...given({ status }),\n    ...profileBody(profile),',
    to: '    ...profileBody(profile),',
  },
  {
    name: 'box: the intent is written after the call',
    file: recorder,
    from: 'const callId = await this.#log.intend(context, intent);\n    const startedAt = performance.now();\n    const exchange = startedAt - begunAt > this.#sendWithinMs ? outOfDate : await send();',
    to: 'const startedAt = performance.now();\n    const exchange = startedAt - begunAt > this.#sendWithinMs ? outOfDate : await send();\n    const callId = await this.#log.intend(context, intent);',
  },
  {
    name: 'box: the outcome is not written',
    file: recorder,
    from: 'await this.#log.conclude(callId, { ...callResult.outcome, durationMs });',
    to: "if (callResult.outcome.result !== 'ambiguous') await this.#log.conclude(callId, { ...callResult.outcome, durationMs });",
    unseen: 'A call without an outcome counts as one with an ambiguous outcome.',
  },
  {
    name: 'box: a 409 to an add is an error',
    file: groups,
    from: "if (status === 409) return { value: { kind: 'exists' }, extract: {} };\n    return status === 404 ? 'box_member_missing' : undefined;",
    to: "return status === 404 ? 'box_member_missing' : undefined;",
  },
  {
    name: 'box: a 409 to a new group is an error',
    file: groups,
    from: "refuse: (status) => (status === 409 ? { value: { kind: 'exists' }, extract: {} } : undefined),",
    to: 'refuse: () => undefined,',
  },
  {
    name: 'box: a 404 to a removal is an error',
    file: groups,
    from: "refuse: (status) => (status === 404 ? { value: 'removed', extract: {} } : undefined),",
    to: 'refuse: () => undefined,',
  },
];
