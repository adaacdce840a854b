import type { OpenedRequest } from '@foyer/persistence';
import { createLogger } from '@foyer/platform';
import type { Job, JobQueue, LaneDepth } from '@foyer/provisioning';
import { QueueLine } from './queue-line.ts';

const none: LaneDepth = { waiting: 0, delayed: 0, active: 0 };

/** A queue that answers when a test lets it; `depth` is the number of jobs in its background lane. */
function parts(background: LaneDepth = none) {
  const words: (readonly Job[])[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const queue: JobQueue = {
    add: (jobs) => {
      words.push(jobs);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      return answer.promise;
    },
    depth: async () => ({ interactive: none, background }),
    ping: async () => undefined,
    close: async () => undefined,
  };
  const line = new QueueLine(queue, createLogger('test', 'silent'));
  const ids = () => words.map((jobs) => jobs.map(({ payload }) => payload.requestId));
  /** Answers every pending call until the line is empty. */
  const answerAll = async (): Promise<void> => {
    for (let seen = 0; seen < answers.length;) {
      answers[seen++]!.resolve();
      await new Promise(setImmediate);
    }
  };
  return { line, words, answers, ids, answerAll };
}

const request = (requestId: string, priority = 5): OpenedRequest => ({
  ...{ requestId, priority, job: priority === 15 ? 'converge-group' : 'converge' },
  ...{ isNew: true, wasPromoted: false },
});
const many = (from: number, to: number): OpenedRequest[] =>
  Array.from({ length: to - from }, (_, n) => request(`${from + n}`));

it('reports pushes one notification at a time, with all that arrived in between', async () => {
  const { line, ids, answerAll } = parts();
  for (const one of many(0, 5)) line.tell([one]);
  expect(ids()).toEqual([['0']]);
  await answerAll();
  expect(ids()).toEqual([['0'], ['1', '2', '3', '4']]);
});

it('reports a sign-in at once, whatever waits in the line', () => {
  const { line, ids } = parts();
  line.tell(many(0, 100));
  line.tell([request('somebody', 1)]);
  expect(ids().at(-1)).toEqual(['somebody']);
});

it('leaves to the relay what would wait too long, and continues after an outage of the queue', async () => {
  const { line, ids, answers, answerAll } = parts();
  for (const one of many(0, 2_000)) line.tell([one]);
  answers[0]!.reject(new Error('away'));
  await new Promise(setImmediate);
  await answerAll();
  expect(ids().flat()).toHaveLength(501);
  expect(Math.max(...ids().map((jobs) => jobs.length))).toBe(20);
  line.tell([request('later')]);
  expect(ids().at(-1)).toEqual(['later']);
});

it('adds nothing to a background lane that is full', async () => {
  const { line, ids } = parts({ waiting: 10_000, delayed: 0, active: 0 });
  line.tell([request('group', 15)]);
  await new Promise(setImmediate);
  expect(ids()).toEqual([]);
});
