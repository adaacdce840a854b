import { operatorName } from './operator-name.ts';

it('records the account, and before it the name that was given', () => {
  expect(operatorName(undefined, 'deploy')).toBe('operator:deploy');
  expect(operatorName('ada@example.com', 'deploy')).toBe('operator:ada@example.com (account deploy)');
  expect(operatorName(undefined)).toMatch(/^operator:./);
});

it.each(['', ' ada', 'ada (account root)', 'a\nb', '-x', 'a'.repeat(101)])('refuses %j as a name', (name) => {
  expect(() => operatorName(name, 'deploy')).toThrow(/--as must be/);
});
