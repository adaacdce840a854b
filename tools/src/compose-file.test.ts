import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DRAIN_LIMIT_MS, LAST_ATTEMPT_MS, STOP_LIMIT_MS } from '@foyer/shared';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const compose = read('docker-compose.yml');
const taken = new Set([...compose.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name!));
const given = new Set([...compose.matchAll(/^ +([A-Z][A-Z0-9_]*): /gm)].map(([, name]) => name!));

/** The variables in the README's tables of gateway and provisioner. */
const documented = [...read('README.md').matchAll(/^\| `([A-Z][A-Z0-9]*_[A-Z0-9_]+)`/gm)].map(
  ([, name]) => name!,
);

describe('docker-compose.yml', () => {
  it('gives its containers every documented variable', () => {
    expect(documented.length).toBeGreaterThan(40);
    expect(documented.filter((name) => !given.has(name))).toEqual([]);
  });

  it('takes each of them from .env except those with fixed values', () => {
    const decided = ['DATABASE_URL', 'GATEWAY_HOST', 'PROVISIONER_HOST', 'PROVISIONER_PORT', 'REDIS_URL'];
    expect(documented.filter((name) => !taken.has(name)).sort()).toEqual(decided);
  });

  it('reads every variable of .env.example and twins.env', () => {
    const named = ['.env.example', 'twins.env'].flatMap((file) =>
      [...read(file).matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name!),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !taken.has(name))).toEqual([]);
  });

  it('gives gateway and provisioner more time to stop than they take', () => {
    const graces = [...compose.matchAll(/^ +stop_grace_period: (\d+)s$/gm)].map(([, s]) => Number(s) * 1_000);
    expect(graces).toHaveLength(2);
    expect(Math.min(...graces)).toBeGreaterThan(STOP_LIMIT_MS);
    expect(STOP_LIMIT_MS).toBeGreaterThan(DRAIN_LIMIT_MS);
    expect(DRAIN_LIMIT_MS).toBeGreaterThan(LAST_ATTEMPT_MS);
  });

  it('leaves missing variables to the settings check, which reports all at once', () => {
    expect(compose).not.toMatch(/\$\{[A-Z_]+:?\?/);
  });
});
