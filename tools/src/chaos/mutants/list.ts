import { boxMutants } from './box.ts';
import { groupMutants } from './groups.ts';
import { intakeMutants } from './intake.ts';
import type { Mutant } from './mutant.ts';
import { planMutants } from './plan.ts';
import { storeMutants } from './store.ts';

export const mutants: readonly Mutant[] = [
  ...planMutants,
  ...boxMutants,
  ...storeMutants,
  ...groupMutants,
  ...intakeMutants,
];
