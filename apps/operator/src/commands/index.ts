import type { Command } from '../command.ts';
import { auditExportCommand } from './audit-export.ts';
import { auditHeadCommand } from './audit-head.ts';
import { auditPruneCommand } from './audit-prune.ts';
import { auditVerifyCommand } from './audit-verify.ts';
import { acceptBoxAppCommand } from './box-app-accept.ts';
import { migrateBoxAppCommand } from './box-app-migrate.ts';
import { recreateBoxUserCommand } from './box-app-recreate.ts';
import { boxAppCommand } from './box-app.ts';
import { deadExplainCommand } from './dead-explain.ts';
import { deadListCommand } from './dead-list.ts';
import { deadRetryCommand } from './dead-retry.ts';
import { doctorCommand } from './doctor.ts';
import { listHeldCommand } from './held-list.ts';
import { releaseHeldCommand } from './held-release.ts';
import { importCommand } from './import.ts';
import { personCommand } from './person.ts';
import { createScimTokenCommand } from './scim-token-create.ts';
import { listScimTokensCommand } from './scim-token-list.ts';
import { revokeScimTokenCommand } from './scim-token-revoke.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';

/**
 * Every command, in the order of the help. The first match runs, so a longer name comes before a name that is its
 * prefix.
 */
export const commands: readonly Command[] = [
  statusCommand,
  personCommand,
  doctorCommand,
  importCommand,
  verifyCommand,
  auditVerifyCommand,
  auditExportCommand,
  auditHeadCommand,
  auditPruneCommand,
  deadListCommand,
  deadExplainCommand,
  deadRetryCommand,
  listHeldCommand,
  releaseHeldCommand,
  acceptBoxAppCommand,
  migrateBoxAppCommand,
  recreateBoxUserCommand,
  boxAppCommand,
  createScimTokenCommand,
  listScimTokensCommand,
  revokeScimTokenCommand,
];
