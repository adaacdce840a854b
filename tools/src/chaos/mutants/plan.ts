import type { SourceMutant } from './mutant.ts';

const plan = 'libs/provisioning/src/people/plan.ts';
const converge = 'libs/provisioning/src/people/converge.ts';
const turn = 'libs/provisioning/src/turns/turn.ts';
const retry = 'libs/provisioning/src/turns/retry.ts';

/** Guards of the decisions: the plan of a person, its steps, and how an attempt ends. */
export const planMutants: readonly SourceMutant[] = [
  {
    name: 'plan: creates again without a look-up',
    file: plan,
    from: "const isInDoubt = lastCreate === 'unsettled' || lastCreate === 'conflict';",
    to: 'const isInDoubt = false;',
  },
  {
    name: 'plan: a leaver whose create is unsettled is done with',
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
    name: 'plan: a change that may have worked is no doubt',
    file: plan,
    from: 'if (account.isUncertain) return',
    to: 'if (account.isUncertain && false) return',
  },
  {
    name: 'plan: a deletion that may have worked is no doubt',
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
    name: 'plan: a leaver is not switched off',
    file: plan,
    from: "if (account.status === 'active')\n    return",
    to: "if (account.status !== 'active')\n    return",
  },
  {
    name: 'plan: somebody who is back is not switched on',
    file: plan,
    from: "if (account.status === 'inactive') {",
    to: "if (account.status === 'inactive' && change !== null && desired.generation < 0) {",
  },
  {
    name: 'plan: who is deleted is only switched off',
    file: plan,
    from: 'if (desired.isRemoved && !observed.isKept)',
    to: 'if (desired.isRemoved && observed.isKept)',
  },
  {
    name: 'plan: a create that was begun under another id goes on under the new one',
    file: plan,
    from: 'const externalId = known.begunAs ?? desired.externalId;',
    to: 'const externalId = desired.externalId;',
    unseen:
      'The external id is fixed before the first create; only rows of earlier versions have another one.',
  },
  {
    name: 'plan: another’s Box user is adopted',
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
    name: 'converge: a change is saved as if it had said everything',
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
    name: 'converge: the lease is not asked for by calls',
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
    name: 'turn: a fault of our own ends the job for good',
    file: turn,
    from: 'return settle(taken, internalError, parts, begun);',
    to: 'return over;',
    unseen: 'The lease runs out and the relay brings the request back: it costs time only.',
  },
  {
    name: 'turn: a stopping worker ends its job with what it hands back',
    file: turn,
    from: "return { kind: 'again', delayMs: 0 };\n  }\n  if (ending.kind === 'converged')",
    to: "return over;\n  }\n  if (ending.kind === 'converged')",
    unseen: 'The request is due at once, and the relay brings it back: it costs time only.',
  },
  {
    name: 'turn: a lost lease is a failure',
    file: turn,
    from: 'if (error instanceof LeaseLost) {',
    to: 'if (error instanceof RangeError) {',
    unseen:
      'What it then writes is fenced, too: the job comes once more, and finds the request in other hands.',
  },
  {
    name: 'retry: what Box refuses for now is final',
    file: retry,
    from: "return failures + 1 < policy.attempts ? { kind: 'retry', delayMs, counted: true } : { kind: 'fail' };",
    to: "return { kind: 'fail' };",
    unseen: 'An operator retries what failed, in the simulation too.',
  },
];
