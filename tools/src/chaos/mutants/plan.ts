import type { SourceMutant } from './mutant.ts';

const plan = 'libs/provisioning/src/people/plan.ts';
const converge = 'libs/provisioning/src/people/converge.ts';
const turn = 'libs/provisioning/src/attempts/attempt.ts';
const retry = 'libs/provisioning/src/attempts/retry.ts';

/** Guards of the decisions: the plan of a person, its steps, and how an attempt ends. */
export const planMutants: readonly SourceMutant[] = [
  {
    name: 'plan: creates again without a look-up',
    file: plan,
    from: "const isInDoubt = lastCreate === 'unsettled' || lastCreate === 'conflict';",
    to: 'const isInDoubt = false;',
  },
  {
    name: 'plan: a leaver with an unsettled create needs nothing',
    file: plan,
    from: "if (lastCreate === null || lastCreate === 'refused')",
    to: 'if (lastCreate !== undefined)',
  },
  {
    name: 'plan: a leaver is created active',
    file: plan,
    from: "return step.kind === 'create' ? { ...step, status: 'inactive' } : step;",
    to: 'return step;',
  },
  {
    name: 'plan: an ambiguous update counts as settled',
    file: plan,
    from: 'if (account.isUncertain) return',
    to: 'if (account.isUncertain && false) return',
  },
  {
    name: 'plan: an ambiguous deletion counts as settled',
    file: plan,
    from: 'if (account.mayBeDeleted) return observed.found',
    to: 'if (account.mayBeDeleted && false) return observed.found',
  },
  {
    name: 'plan: a user that Foyer deleted itself counts as missing',
    file: plan,
    from: "if (account.mayBeDeleted) return { kind: 'forget', boxUserId };",
    to: '',
  },
  {
    name: 'plan: a leaver is not deactivated',
    file: plan,
    from: "if (account.status === 'active')\n    return",
    to: "if (account.status !== 'active')\n    return",
  },
  {
    name: 'plan: a person who returns is not reactivated',
    file: plan,
    from: "if (account.status === 'inactive') {",
    to: "if (account.status === 'inactive' && change !== null && desired.generation < 0) {",
  },
  {
    name: 'plan: a deleted person is only deactivated',
    file: plan,
    from: 'if (desired.isRemoved && !observed.isKept)',
    to: 'if (desired.isRemoved && observed.isKept)',
  },
  {
    name: 'plan: an unsettled create under another id is repeated under the new one',
    file: plan,
    from: 'const externalId = known.begunAs ?? desired.externalId;',
    to: 'const externalId = desired.externalId;',
    unseen:
      'The external id is fixed before the first create; only rows of earlier versions have another one.',
  },
  {
    name: 'plan: another person’s Box user is adopted',
    file: plan,
    from: "  if (user.externalId !== externalId) return mismatch(user, 'has another external id');\n  return { kind: 'adopt'",
    to: "  return { kind: 'adopt'",
    unseen: 'Box never shows another’s user here: the twin looks up by the whole external id.',
  },
  {
    name: 'converge: an adopted user counts as in step',
    file: converge,
    from: 'const next = await saved(applied(step.user, asFound(step.user), 0), step.effect);',
    to: 'const next = await saved(applied(step.user, { name: desired.name }, desired.generation), step.effect);',
  },
  {
    name: 'converge: a partial update is saved as a complete one',
    file: converge,
    from: 'name: step.change.name ?? account?.name ?? result.value.name,',
    to: 'name: desired.name,',
  },
  {
    name: 'converge: a refused change counts as done',
    file: converge,
    from: 'if (!result.ok) return { fault: result.fault };\n      const { account } = known;',
    to: "if (!result.ok) return saved({ ...known.account!, appliedGeneration: desired.generation, name: desired.name, profile: desired.profile, status: desired.active ? 'active' : 'inactive' }, 'updated');\n      const { account } = known;",
  },
  {
    name: 'converge: calls do not check the lease',
    file: converge,
    from: 'const context: CallContext = { requestId, identityId, lease, allowance: parts.allowance };',
    to: 'const context: CallContext = { requestId, identityId, lease: null, allowance: parts.allowance };',
  },
  {
    name: 'converge: a user that was deleted stays mapped',
    file: converge,
    from: 'await store.forgetAccount(taken.lease, boxUserId);\n  return { known: { account: null',
    to: 'return { known: { account: null',
  },
  {
    name: 'attempt: an internal error ends the job',
    file: turn,
    from: 'return settle(taken, internalError, parts, begun);',
    to: 'return over;',
    unseen: 'The lease runs out and the relay brings the request back: it costs time only.',
  },
  {
    name: 'attempt: a stopping worker ends the job of the request that it hands back',
    file: turn,
    from: "return { kind: 'again', delayMs: 0 };\n  }\n  if (ending.kind === 'converged')",
    to: "return over;\n  }\n  if (ending.kind === 'converged')",
    unseen: 'The request is due at once, and the relay brings it back: it costs time only.',
  },
  {
    name: 'attempt: a lost lease is a failure',
    file: turn,
    from: 'if (error instanceof LeaseLost) {',
    to: 'if (error instanceof RangeError) {',
    unseen:
      'What it then writes is fenced, too: the job comes once more, and finds the request in other hands.',
  },
  {
    name: 'retry: a temporary refusal by Box is final',
    file: retry,
    from: "return failures + 1 < policy.attempts ? { kind: 'retry', delayMs, counted: true } : { kind: 'fail' };",
    to: "return { kind: 'fail' };",
    unseen: 'An operator retries failed requests, in the simulation too.',
  },
];
