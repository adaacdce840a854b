import { nodeProblem } from './require-node.ts';

it.each(['22.19.0', '22.20.1', '23.0.0', '24.21.0', '100.1.0'])('accepts Node.js %s', (version) => {
  expect(nodeProblem(version)).toBeNull();
});

it.each(['20.20.2', '22.18.9', '18.0.0', '9.0.0'])(
  'rejects Node.js %s with one sentence and a remedy',
  (version) => {
    expect(nodeProblem(version)).toMatch(
      new RegExp(
        `^Foyer needs Node\\.js 22\\.19 or newer; this is ${version}\\. Install .*node_modules/\\.bin/node\\.$`,
      ),
    );
  },
);
