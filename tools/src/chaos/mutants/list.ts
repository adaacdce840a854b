import { boxMutants } from './box.ts';
import { databaseMutants } from './database.ts';
import { groupMutants } from './groups.ts';
import { intakeMutants } from './intake.ts';
import { linkMutants } from './links.ts';
import type { Mutant, SourceMutant } from './mutant.ts';
import { planMutants } from './plan.ts';
import { storeMutants } from './store.ts';

export const sourceMutants: readonly SourceMutant[] = [
  ...planMutants,
  ...boxMutants,
  ...storeMutants,
  ...groupMutants,
  ...intakeMutants,
  ...linkMutants,
];

export const mutants: readonly Mutant[] = [...sourceMutants, ...databaseMutants];
