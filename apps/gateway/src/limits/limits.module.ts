import { Global, Module } from '@nestjs/common';
import { Admission } from './admission.ts';
import { PrincipalLimit } from './principal-limit.ts';

/** How much of the gateway one caller may have. */
@Global()
@Module({ providers: [Admission, PrincipalLimit], exports: [Admission, PrincipalLimit] })
export class LimitsModule {}
