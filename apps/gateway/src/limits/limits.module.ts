import { Global, Module } from '@nestjs/common';
import { Admission } from './admission.ts';
import { PrincipalLimit } from './principal-limit.ts';

/** Limits on how much of the gateway one caller may use. */
@Global()
@Module({ providers: [Admission, PrincipalLimit], exports: [Admission, PrincipalLimit] })
export class LimitsModule {}
