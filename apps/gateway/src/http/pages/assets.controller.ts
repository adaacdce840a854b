import { Controller, Get, Param, Res } from '@nestjs/common';
import { FoyerError } from '@foyer/shared';
import type { Response } from 'express';
import { assets } from './assets.ts';

/** Sends the files of our own pages. */
@Controller('assets')
export class AssetsController {
  @Get(':hash/:name')
  send(@Param('hash') hash: string, @Param('name') name: string, @Res() res: Response): void {
    const path = `/assets/${hash}/${name}`;
    const found = Object.values(assets).find((asset) => asset.path === path);
    if (!found) throw new FoyerError('not_found');
    res.setHeader('cache-control', 'public, max-age=31536000, immutable');
    res.type(found.type).send(found.content);
  }
}
