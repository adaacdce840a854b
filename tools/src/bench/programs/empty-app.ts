import 'reflect-metadata';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Module,
  Param,
  Post,
  Req,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import type { IncomingMessage } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import pg from 'pg';

/**
 * The app with which the bench compares: NestJS with routes that do nothing. `/session` reads and writes one session
 * with the gateway's session store; `/empty` requires the same kind of access token, which is verified once and then
 * remembered. `/insert` writes one row, and `/select/:id` reads one.
 */
const { DATABASE_URL, JWKS_URL, ISSUER, AUDIENCE } = process.env as Record<string, string>;
const pool = new pg.Pool({ connectionString: DATABASE_URL });

@Injectable()
class TokenGuard implements CanActivate {
  private readonly keys = createRemoteJWKSet(new URL(JWKS_URL!));
  private readonly known = new Map<string, number>();

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
    const until = this.known.get(token);
    if (until !== undefined && until > Date.now()) return true;
    const { payload } = await jwtVerify(token, this.keys, { issuer: ISSUER!, audience: AUDIENCE! });
    this.known.set(token, (payload.exp ?? 0) * 1000);
    return true;
  }
}

interface Counted {
  session: { n?: number };
}

@Controller()
class EmptyController {
  @Get('session')
  session(@Req() request: Counted): object {
    request.session.n = (request.session.n ?? 0) + 1;
    return {};
  }

  @Get('empty')
  @HttpCode(304)
  @UseGuards(TokenGuard)
  empty(): void {
    // This route does nothing on purpose.
  }
}

@Controller()
class RowController {
  @Post('insert')
  async insert(@Body() { userName }: { readonly userName: string }): Promise<object> {
    const { rows } = await pool.query<{ id: string }>({
      name: 'insert',
      text: 'INSERT INTO bench_row (name) VALUES ($1) RETURNING id',
      values: [userName],
    });
    return { id: rows[0]!.id };
  }

  @Get('select/:id')
  async select(@Param('id') id: string): Promise<object> {
    const { rows } = await pool.query<{ id: string; name: string }>({
      name: 'select',
      text: 'SELECT id, name FROM bench_row WHERE id = $1',
      values: [id],
    });
    return rows[0]!;
  }
}

@Module({ controllers: [EmptyController, RowController], providers: [TokenGuard] })
class EmptyModule {}

await pool.query(
  'CREATE TABLE IF NOT EXISTS bench_row (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL)',
);
const app = await NestFactory.create<NestExpressApplication>(EmptyModule, { logger: false });
const Store = connectPgSimple(session);
app.use(
  '/session',
  session({
    store: new Store({ pool, tableName: 'session' }),
    secret: 'bench-only',
    resave: false,
    saveUninitialized: true,
    rolling: true,
    cookie: { maxAge: 600_000 },
  }),
);
app.useBodyParser('json', { type: ['application/json', 'application/*+json'] });
await app.listen(0, '127.0.0.1');
console.log(JSON.stringify({ url: await app.getUrl() }));
process.on('SIGTERM', () => void app.close().then(() => pool.end()));
