import { userInfo } from 'node:os';

/** Who gives a command, for the audit log: the account on this machine. */
export const operatorName = (): string => `operator:${userInfo().username}`;
