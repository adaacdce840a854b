import { Module, type DynamicModule } from '@nestjs/common';
import { HealthController } from './health/health.controller.ts';
import { CONTEXT, type ProvisionerContext } from './context.ts';

/** The HTTP side of the provisioner: only health and metrics. */
@Module({})
export class AppModule {
  static of(context: ProvisionerContext): DynamicModule {
    return {
      module: AppModule,
      controllers: [HealthController],
      providers: [{ provide: CONTEXT, useValue: context }],
    };
  }
}
