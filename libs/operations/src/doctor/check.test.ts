import { failed, notChecked, ok, runChecks, warning, type Check } from './check.ts';
import { clockFinding } from './database.ts';
import { isHealthy } from './doctor.ts';

const check = (name: string, run: Check['run']): Check => ({ name, run, remedy: `Look at ${name}.` });

describe('checks', () => {
  it('run in order, and each is reported as it ends, whatever the earlier results', async () => {
    const told: string[] = [];
    const results = await runChecks(
      [
        check('first', async () => ok('fine')),
        check('second', async () => {
          throw new Error('broken');
        }),
        check('third', async () => warning('odd', 'Look.')),
      ],
      ({ name }) => told.push(name),
    );
    expect(told).toEqual(['first', 'second', 'third']);
    expect(results).toEqual([
      { name: 'first', state: 'ok', detail: 'fine', remedy: null },
      { name: 'second', state: 'failed', detail: 'broken', remedy: 'Look at second.' },
      { name: 'third', state: 'warning', detail: 'odd', remedy: 'Look.' },
    ]);
  });

  it('that never end are stopped at their time limit', async () => {
    const [result] = await runChecks([check('silent', () => new Promise(() => {}))], undefined, 5);
    expect(result).toMatchObject({ state: 'failed', detail: 'The check got no answer within 0.005 s.' });
  });

  it('report all reasons of an error that has several, such as addresses that all refused', async () => {
    const error = new AggregateError([new Error('connect ECONNREFUSED ::1'), new Error('other')]);
    const [result] = await runChecks([
      check('refused', async () => {
        throw error;
      }),
    ]);
    expect(result!.detail).toBe('connect ECONNREFUSED ::1');
  });
});

it.each([
  [[ok('a'), notChecked('b')], true],
  [[ok('a'), warning('b', 'c')], false],
  [[failed('a', 'b')], false],
  [[], true],
])('%j is healthy: %s', (findings, expected) => {
  expect(isHealthy(findings.map((finding) => ({ name: 'x', ...finding })))).toBe(expected);
});

it.each([
  [0, 'ok'],
  [-0.9, 'ok'],
  [29, 'ok'],
  [-29.9, 'ok'],
  [30, 'failed'],
  [-3_600, 'failed'],
])('a clock %d s ahead is %s', (aheadS, state) => {
  expect(clockFinding(aheadS).state).toBe(state);
});
