import { checkReadiness, NotReady } from './health.ts';

describe('readiness', () => {
  it('lists which checks pass and which fail', async () => {
    const told: string[] = [];
    const readiness = await checkReadiness(
      { database: () => Promise.resolve(), queue: () => Promise.reject(new Error('away')) },
      (part) => told.push(part),
    );
    expect(readiness).toEqual({ ready: false, parts: { database: 'ok', queue: 'not ready' } });
    expect(told).toEqual(['queue']);
  });

  it('is answered within its time limit when a check never answers', async () => {
    const never = () => new Promise<void>(() => undefined);
    const readiness = await checkReadiness({ migrations: never }, () => undefined, [], 50);
    expect(readiness).toEqual({ ready: false, parts: { migrations: 'not ready' } });
  });

  it('gives the reason to unauthenticated callers only where the check allows it', async () => {
    const readiness = await checkReadiness(
      {
        'box-app': () => Promise.reject(new NotReady('It is another one.')),
        database: () => Promise.reject(new Error('password of foyer is wrong')),
      },
      () => undefined,
    );
    expect(readiness.reasons).toEqual({ 'box-app': 'It is another one.' });
  });

  it('reports a check that will fail soon, and stays ready', async () => {
    const told: string[] = [];
    const readiness = await checkReadiness(
      { tokens: () => Promise.resolve({ warning: 'One expires soon.' }), database: () => Promise.resolve() },
      (part) => told.push(part),
    );
    expect(readiness).toEqual({
      ready: true,
      parts: { tokens: 'ok', database: 'ok' },
      warnings: { tokens: 'One expires soon.' },
    });
    expect(told).toEqual([]);
  });
});
