import { StackProblem } from '../problem.ts';

/** The twins' control addresses speak JSON; the twins' own tests check the form of their answers. */
export async function control<T>(base: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${base}/_control/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new StackProblem(
      `the twin at ${base} refused ${method} /_control/${path}: ${response.status} ${text}`,
      'correct what it names',
    );
  }
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
