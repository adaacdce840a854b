import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.ts';

/** The API's document and pages. */
@Module({ controllers: [DocsController] })
export class DocsModule {}
