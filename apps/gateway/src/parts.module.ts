import { Global, Module, type DynamicModule } from '@nestjs/common';
import {
  ApiCalls,
  Batches,
  BatchIntake,
  BoxAccounts,
  DeadLetters,
  Identities,
  Intake,
  PostgresForecastStore,
  Requests,
  RequestVersions,
  RequestWatch,
  ScimGroups,
  ScimTokens,
  ScimUsers,
  TenantBoxApp,
  UsedSignIns,
} from '@foyer/persistence';
import { BackgroundTasks, Metrics } from '@foyer/platform';
import {
  BOX,
  BULK_ALLOWANCE,
  CALL_LOG,
  CONFIG,
  DATABASE,
  LOGGER,
  QUEUE,
  TENANT_ID,
  type Parts,
} from './parts.ts';

/** Makes the opened parts available to every module. */
@Global()
@Module({})
export class PartsModule {
  static of(parts: Parts): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: parts.config },
      { provide: LOGGER, useValue: parts.logger },
      { provide: DATABASE, useValue: parts.database },
      { provide: TENANT_ID, useValue: parts.tenantId },
      { provide: CALL_LOG, useValue: parts.callLog },
      { provide: QUEUE, useValue: parts.queue },
      { provide: BOX, useValue: parts.box },
      { provide: TenantBoxApp, useValue: parts.boxApp },
      { provide: BoxAccounts, useValue: parts.boxAccounts },
      { provide: Metrics, useValue: parts.metrics },
      { provide: BackgroundTasks, useValue: parts.tasks },
      { provide: Intake, useValue: parts.intake },
      { provide: DeadLetters, useValue: parts.deadLetters },
      { provide: BatchIntake, useValue: parts.batchIntake },
      { provide: Batches, useValue: parts.batches },
      { provide: PostgresForecastStore, useValue: parts.forecasts },
      { provide: BULK_ALLOWANCE, useValue: parts.bulkAllowance },
      { provide: Requests, useValue: parts.requests },
      { provide: RequestVersions, useValue: parts.versions },
      { provide: Identities, useValue: parts.identities },
      { provide: ApiCalls, useValue: parts.apiCalls },
      { provide: RequestWatch, useValue: parts.watch },
      { provide: UsedSignIns, useValue: parts.usedSignIns },
      { provide: ScimTokens, useValue: parts.scimTokens },
      { provide: ScimUsers, useValue: parts.scimUsers },
      { provide: ScimGroups, useValue: parts.scimGroups },
    ];
    return { module: PartsModule, providers, exports: providers };
  }
}
