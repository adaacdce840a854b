import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from './access/access.module.ts';
import { BatchesModule } from './batches/batches.module.ts';
import { DocsModule } from './docs/docs.module.ts';
import { FilesModule } from './files/files.module.ts';
import { HealthModule } from './health/health.module.ts';
import { HomeModule } from './home/home.module.ts';
import { HttpModule } from './http/http.module.ts';
import { IntakeModule } from './intake/intake.module.ts';
import { LimitsModule } from './limits/limits.module.ts';
import { LoginModule } from './login/login.module.ts';
import { OktaModule } from './okta/okta.module.ts';
import { ContextModule } from './context.module.ts';
import type { GatewayContext } from './context.ts';
import { ScimModule } from './scim/scim.module.ts';
import { SessionsModule } from './sessions/sessions.module.ts';
import { StatusModule } from './status/status.module.ts';

@Module({})
export class AppModule {
  static of(context: GatewayContext): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ContextModule.of(context),
        HttpModule,
        OktaModule,
        LimitsModule,
        HealthModule,
        SessionsModule,
        IntakeModule,
        LoginModule,
        HomeModule,
        AccessModule,
        StatusModule,
        BatchesModule,
        FilesModule,
        ScimModule,
        DocsModule,
      ],
    };
  }
}
