import { BadArguments, readBenchArguments } from './arguments.ts';
import type { Measurement } from './figure.ts';

const catalog: Measurement[] = ['drain', 'audit', 'size'].map((name) => ({
  name,
  about: `about ${name}`,
  measure: async () => [],
}));
const read = (...args: string[]) => {
  const { chosen, ...others } = readBenchArguments(args, catalog);
  return { chosen: chosen.map(({ name }) => name), ...others };
};

describe('the arguments of npm run bench', () => {
  it('choose everything at full size when there are none', () => {
    expect(read()).toEqual({
      chosen: ['drain', 'audit', 'size'],
      scale: 'full',
      list: false,
      statements: false,
    });
  });

  it('choose what --only names, in the order of the list', () => {
    expect(read('--only', 'size, drain', '--small')).toEqual({
      chosen: ['drain', 'size'],
      scale: 'small',
      list: false,
      statements: false,
    });
  });

  it('choose the costs of operations instead of figures', () => {
    expect(read('--statements', '--small')).toMatchObject({ statements: true, scale: 'small' });
  });

  it.each([
    [['--statements', '--only', 'drain'], '--statements lists every operation: leave --only out.'],
    [['--only', 'drain,speed'], 'There is no figure called "speed"; there are: drain, audit, size.'],
    [['--only', ''], 'There is no figure called ""; there are: drain, audit, size.'],
    [['--fast'], /^Unknown option '--fast'/],
    [['drain'], /^Unexpected argument 'drain'/],
    [['--only'], /--only <value>/],
  ])('are refused in one sentence: %j', (args, message) => {
    expect(() => read(...args)).toThrow(BadArguments);
    expect(() => read(...args)).toThrow(message);
  });
});
