// Starts the files first that take longest, because the run ends when the last file does. On a machine that has run the
// tests before, Jest knows how long each took. On a new one it goes by the size of the file, and these files are small:
// what takes time is the processes and servers that they start.
import Sequencer from '@jest/test-sequencer';

const SLOW = ['tools/src/e2e/', 'tools/src/docs/run.test.ts', 'tools/src/chaos/', 'libs/queue/src/'];

const isSlow = ({ path }) => SLOW.some((part) => path.includes(`/${part}`));

export default class SlowestFirst extends (Sequencer.default ?? Sequencer) {
  async sort(tests) {
    const sorted = await super.sort(tests);
    // Jest puts files that failed last time first, and files whose time it knows in the order of the time.
    if (sorted.every(({ duration }) => duration !== undefined)) return sorted;
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}
