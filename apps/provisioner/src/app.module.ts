import { Module, type DynamicModule } from '@nestjs/common';
import { HealthController } from './health/health.controller.ts';
import { PARTS, type Parts } from './parts.ts';

/** The HTTP side of the provisioner: only health and metrics. */
@Module({})
export class AppModule {
  static of(parts: Parts): DynamicModule {
    return {
      module: AppModule,
      controllers: [HealthController],
      providers: [{ provide: PARTS, useValue: parts }],
    };
  }
}
