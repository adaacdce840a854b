import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, DriverAdapterError } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { type MigrationFile } from './files.ts';
import { scriptOf, type Script } from './script.ts';

/** Where in a migration's SQL the database stopped. */
export interface StatementFailure {
  message: string;
  code: string;
  detail?: string;
  hint?: string;
  /** 1-based offset into the file, in characters. */
  position?: number;
  /** The connection broke: it is not known what was committed. */
  connectionLost: boolean;
}

/**
 * Prisma's own migration engine on one database. It maintains the `_prisma_migrations` table as `prisma migrate` does.
 */
export interface MigrationEngine {
  /** Applies the last of `files` if it is not applied yet; the others must be. Returns the names that it applied. */
  applyUpTo(files: readonly MigrationFile[], directory: string): Promise<string[]>;
  markRolledBack(name: string): Promise<void>;
  markApplied(name: string, files: readonly MigrationFile[], directory: string): Promise<void>;
  /** The database's error when the last script failed. */
  failure(): StatementFailure | undefined;
  close(): Promise<void>;
}

const DATAMODEL = 'datasource db {\n  provider = "postgresql"\n}\n';
const FILTERS = { externalTables: [], externalEnums: [] };

/** The part of the standard global that is used; TypeScript declares it only in the DOM types. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<{ exports: { __wbindgen_start(): void } }>;
};

let loading: Promise<void> | undefined;

/** Loads the engine's WebAssembly once per process, from the package, without a download. */
function loadEngine(): Promise<void> {
  loading ??= instantiate();
  return loading;
}

async function instantiate(): Promise<void> {
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const module = await WebAssembly.compile(await readFile(join(folder, 'schema_engine_bg.wasm')));
  const instance = await WebAssembly.instantiate(module, {
    './schema_engine_bg.js': Object.fromEntries(Object.entries(glue).map(withIdleTimers)),
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

/**
 * The engine does not clear the 10 s timer of its own lock; unreferenced, the timer does not delay the process's end.
 */
function withIdleTimers([name, given]: [string, unknown]): [string, unknown] {
  if (!name.startsWith('__wbg_setTimeout') || typeof given !== 'function') return [name, given];
  return [name, (run: () => void, ms: number) => setTimeout(run, ms >>> 0).unref()];
}

export async function openEngine(databaseUrl: string): Promise<MigrationEngine> {
  await loadEngine();
  let failure: StatementFailure | undefined;
  let current: { file: MigrationFile; script: Script } | undefined;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, application_name: 'foyer-migrate' });
  pool.on('error', () => undefined);
  const adapter = wholeScriptAdapter(
    pool,
    (text) => (text === current?.file.sql ? current.script : { text, offset: 0 }),
    (happened) => {
      failure = happened;
    },
  );
  const engine = await glue.SchemaEngine.new(
    { datamodels: [['schema.prisma', DATAMODEL]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
  return {
    async applyUpTo(files, directory) {
      failure = undefined;
      const last = files.at(-1);
      current = last && { file: last, script: scriptOf(last) };
      const result = await engine.applyMigrations({
        migrationsList: listed(files, directory),
        filters: FILTERS,
      });
      return result.appliedMigrationNames;
    },
    async markRolledBack(migrationName) {
      await engine.markMigrationRolledBack({ migrationName });
    },
    async markApplied(migrationName, files, directory) {
      await engine.markMigrationApplied({ migrationName, migrationsList: listed(files, directory) });
    },
    failure: () => failure,
    async close() {
      engine.free();
      await pool.end();
    },
  };
}

function listed(
  files: readonly MigrationFile[],
  baseDir: string,
): Parameters<glue.SchemaEngine['applyMigrations']>[0]['migrationsList'] {
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
    shadowDbInitScript: '',
    migrationDirectories: files.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  };
}

/**
 * Prisma's adapter splits scripts at every ';', which breaks function bodies and can leave half a file applied. This
 * one sends the whole file: PostgreSQL runs it as one transaction unless the file itself says otherwise.
 */
function wholeScriptAdapter(
  pool: pg.Pool,
  scriptFor: (text: string) => Script,
  onFailure: (failure: StatementFailure) => void,
): PrismaPg {
  const factory = new PrismaPg(pool);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    adapter.executeScript = async (given) => {
      const script = scriptFor(given);
      try {
        await pool.query(script.text);
      } catch (error) {
        onFailure(failureOf(error, script.offset));
        throw driverError(error);
      }
    };
    return adapter;
  };
  return factory;
}

function failureOf(error: unknown, offset: number): StatementFailure {
  if (!(error instanceof pg.DatabaseError)) {
    return {
      message: error instanceof Error ? error.message : String(error),
      code: '',
      connectionLost: true,
    };
  }
  const { message, code = '', detail, hint, position } = error;
  return {
    message,
    code,
    detail,
    hint,
    position: position ? Number(position) - offset : undefined,
    connectionLost: code.startsWith('57P'),
  };
}

function driverError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? '',
    severity: error.severity ?? 'ERROR',
    message: error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}
