import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import type { GatewayConfig } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import type { Response } from 'express';
import { CONFIG } from '../context.ts';
import { errorsPage } from './errors-page.ts';
import { openApiDocument, tokenUrlOf } from './openapi.ts';
import { referencePage, referencePolicy } from './reference-page.ts';

const swaggerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js'];
const cacheFor = 'public, max-age=3600';

/** How to use the API: the OpenAPI document for programs, pages for people. All of it is public. */
@Controller('docs')
export class DocsController {
  private readonly document: string;
  private readonly policy: string;
  private readonly pages = { reference: referencePage(), errors: errorsPage() };

  constructor(@Inject(CONFIG) config: GatewayConfig) {
    this.document = JSON.stringify(openApiDocument(config));
    this.policy = referencePolicy(tokenUrlOf(config));
  }

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  reference(@Res({ passthrough: true }) res: Response): string {
    res.setHeader('Content-Security-Policy', this.policy);
    return this.pages.reference;
  }

  @Get('openapi.json')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  openApi(): string {
    return this.document;
  }

  @Get('errors')
  @Header('Content-Type', 'text/html; charset=utf-8')
  errors(): string {
    return this.pages.errors;
  }

  /** Swagger UI's own files, from its package. */
  @Get(':file')
  file(@Param('file') file: string, @Res() res: Response): void {
    if (!swaggerFiles.includes(file)) throw new FoyerError('not_found');
    const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    res.setHeader('Cache-Control', cacheFor);
    res.sendFile(file, { root, cacheControl: false });
  }
}
