import { errorCatalog, errorCodes, FoyerError, Problem } from '@foyer/shared';
import { fromHttpError, toProblem } from './problem.ts';

describe('problem details', () => {
  it.each(errorCodes)('of %s have the form of the contract', (code) => {
    const problem = toProblem(
      new FoyerError(code, 'why', { fields: [{ field: 'a', message: 'b' }] }),
      'urn:x',
    );
    expect(Problem.parse(problem)).toEqual(problem);
    expect(problem).toMatchObject({ code, status: errorCatalog[code].status, type: `/docs/errors#${code}` });
  });

  it('contain nothing of an error that is not in the closed list', () => {
    const problem = toProblem(new Error('password is hunter2'));
    expect(problem).toMatchObject({ code: 'internal_error', status: 500 });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  it('are made from errors of Express', () => {
    expect(fromHttpError({ status: 413 })?.code).toBe('body_too_large');
    expect(fromHttpError({ status: 400 })?.code).toBe('malformed_body');
    expect(fromHttpError({ status: 500 })).toBeNull();
    expect(fromHttpError(null)).toBeNull();
  });
});
