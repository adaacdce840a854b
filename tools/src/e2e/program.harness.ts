import { spawnSync } from 'node:child_process';

/** Whether the machine has this program on its PATH. */
export const hasProgram = (name: string): boolean => spawnSync(name, ['--version']).error === undefined;
