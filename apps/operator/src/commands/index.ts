import type { Command } from '../command.ts';
import { auditExportCommand } from './audit/audit-export.ts';
import { auditHeadCommand } from './audit/audit-head.ts';
import { auditPruneCommand } from './audit/audit-prune.ts';
import { auditVerifyCommand } from './audit/audit-verify.ts';
import { acceptBoxAppCommand } from './box-app/box-app-accept.ts';
import { migrateBoxAppCommand } from './box-app/box-app-migrate.ts';
import { recreateBoxUserCommand } from './box-app/box-app-recreate.ts';
import { boxAppCommand } from './box-app/box-app.ts';
import { deadExplainCommand } from './dead/dead-explain.ts';
import { deadListCommand } from './dead/dead-list.ts';
import { deadRetryCommand } from './dead/dead-retry.ts';
import { doctorCommand } from './doctor.ts';
import { listHeldCommand } from './held/held-list.ts';
import { releaseHeldCommand } from './held/held-release.ts';
import { mergeIdentitiesCommand } from './identity/identity-merge.ts';
import { importCommand } from './import/import.ts';
import { personCommand } from './person.ts';
import { createScimTokenCommand } from './scim-token/scim-token-create.ts';
import { listScimTokensCommand } from './scim-token/scim-token-list.ts';
import { revokeScimTokenCommand } from './scim-token/scim-token-revoke.ts';
import { settingsCommand } from './settings.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify/verify.ts';

/**
 * Every command, in the order of the help. The first match runs, so a longer name comes before a name that is its
 * prefix.
 */
export const commands: readonly Command[] = [
  statusCommand,
  personCommand,
  mergeIdentitiesCommand,
  doctorCommand,
  settingsCommand,
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
