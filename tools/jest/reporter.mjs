// Lists at the end which tests were skipped, and why: a skipped test has its reason in its title, [needs chromium].
// With CI=true a skipped test is a failure, except for what CI cannot install itself. Box's published document is not
// part of the project, and only some machines have it.
const EXCUSED = /\[needs (Docker|box-openapi\.json)\]/;

export default class SkippedReporter {
  #skipped = [];

  onTestResult(_test, { testResults }) {
    for (const { status, fullName } of testResults) {
      if (status === 'pending' || status === 'todo' || status === 'disabled') this.#skipped.push(fullName);
    }
  }

  onRunComplete() {
    if (this.#skipped.length === 0) return;
    const byReason = Map.groupBy(this.#skipped, reasonOf);
    const lines = [...byReason].map(([reason, names]) => `  ${names.length} ${reason}\n${list(names)}`);
    process.stderr.write(`\n${this.#skipped.length} skipped:\n${lines.join('\n')}\n`);
  }

  getLastError() {
    const unexcused = this.#skipped.filter((name) => !EXCUSED.test(name));
    if (unexcused.length === 0 || process.env.CI !== 'true') return undefined;
    return new Error(`${unexcused.length} tests were skipped, and with CI=true every test must run.`);
  }
}

function reasonOf(name) {
  const [, needs] = /\[needs ([^\]]+)\]/.exec(name) ?? [];
  return needs
    ? `because this machine has no ${needs}:`
    : 'without a reason in the title, such as [needs redis-server]:';
}

const list = (names) => names.map((name) => `    ${name}`).join('\n');
