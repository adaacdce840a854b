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
import { ReadRecords } from './access/read-records.ts';
import {
  BOX,
  BULK_ALLOWANCE,
  CALL_LOG,
  CONFIG,
  DATABASE,
  LOGGER,
  QUEUE,
  TENANT_ID,
  type GatewayContext,
} from './context.ts';

/** Makes the opened contexts available to every module. */
@Global()
@Module({})
export class ContextModule {
  static of({ tenant, ...process }: GatewayContext): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: process.config },
      { provide: LOGGER, useValue: process.logger },
      { provide: DATABASE, useValue: process.database },
      { provide: TENANT_ID, useValue: tenant.tenantId },
      { provide: CALL_LOG, useValue: tenant.callLog },
      { provide: ReadRecords, useValue: tenant.readRecords },
      { provide: QUEUE, useValue: tenant.queue },
      { provide: BOX, useValue: tenant.box },
      { provide: TenantBoxApp, useValue: tenant.boxApp },
      { provide: BoxAccounts, useValue: tenant.boxAccounts },
      { provide: Metrics, useValue: process.metrics },
      { provide: BackgroundTasks, useValue: process.tasks },
      { provide: Intake, useValue: tenant.intake },
      { provide: DeadLetters, useValue: tenant.deadLetters },
      { provide: BatchIntake, useValue: tenant.batchIntake },
      { provide: Batches, useValue: tenant.batches },
      { provide: PostgresForecastStore, useValue: tenant.forecasts },
      { provide: BULK_ALLOWANCE, useValue: tenant.bulkAllowance },
      { provide: Requests, useValue: tenant.requests },
      { provide: RequestVersions, useValue: tenant.versions },
      { provide: Identities, useValue: tenant.identities },
      { provide: ApiCalls, useValue: tenant.apiCalls },
      { provide: RequestWatch, useValue: process.watch },
      { provide: UsedSignIns, useValue: tenant.usedSignIns },
      { provide: ScimTokens, useValue: tenant.scimTokens },
      { provide: ScimUsers, useValue: tenant.scimUsers },
      { provide: ScimGroups, useValue: tenant.scimGroups },
    ];
    return { module: ContextModule, providers, exports: providers };
  }
}
