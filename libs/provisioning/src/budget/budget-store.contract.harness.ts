import { limitsOf, untilNext, type BucketLimits, type BudgetStore, type PerUrgency } from './budget-port.ts';

/** A BudgetStore under test. Each `open` gives another store on the same bucket, as another process has it. */
export interface BudgetSubject {
  readonly limits: BucketLimits;
  open(): BudgetStore;
  /** Advances the bucket's own clock. */
  pass(ms: number): Promise<void>;
  /** Fills the bucket, as a long time would. */
  fill(): Promise<void>;
  close(): Promise<void>;
}

const none = { 'sign-in': 0, soon: 0, bulk: 0 };
const wanting = (some: Partial<PerUrgency<number>>) => ({ ...none, ...some });
const MANY = 1_000;

/** A rate so low that a test refills almost nothing: capacity 15, refill 1 per 4 s. */
export const slowLimits: BucketLimits = { ...limitsOf(1_000), perMs: 1 / 4_000 };

/** The contract of every BudgetStore. `make` gives an unused bucket with `slowLimits`. */
export function describeBudgetStore(name: string, make: () => Promise<BudgetSubject>): void {
  describe(`${name} as a BudgetStore`, () => {
    let subject: BudgetSubject;
    let store: BudgetStore;

    beforeEach(async () => {
      subject = await make();
      store = subject.open();
    });
    afterEach(() => subject.close());

    it('begins empty, because earlier calls are not known', async () => {
      expect((await store.ask(wanting({ 'sign-in': MANY }))).granted).toEqual(none);
    });

    it('holds no more than its capacity', async () => {
      await subject.fill();
      expect((await store.ask(none)).level).toBe(subject.limits.capacity);
      expect((await store.ask(wanting({ 'sign-in': MANY }))).granted['sign-in']).toBe(15);
    });

    it('reserves the last part for more urgent calls', async () => {
      await subject.fill();
      const { granted } = await store.ask(wanting({ bulk: MANY }));
      expect(granted.bulk).toBe(7);
      expect((await store.ask(wanting({ bulk: MANY, soon: MANY }))).granted).toEqual({ ...none, soon: 5 });
      expect((await store.ask(wanting({ soon: MANY, 'sign-in': 2 }))).granted).toEqual({
        ...none,
        'sign-in': 2,
      });
      expect((await store.ask(wanting({ bulk: 1, soon: 1, 'sign-in': 2 }))).granted['sign-in']).toBe(1);
    });

    it('serves the most urgent class first, and gives each class at most what it requests', async () => {
      await subject.fill();
      const { granted, level } = await store.ask(wanting({ 'sign-in': 3, soon: 2, bulk: 1 }));
      expect(granted).toEqual({ 'sign-in': 3, soon: 2, bulk: 1 });
      expect(level).toBeCloseTo(9, 1);
    });

    it('returns what is left, from which the time of the next permit follows', async () => {
      await subject.fill();
      const answer = await store.ask(wanting({ 'sign-in': 15, bulk: 1 }));
      expect(untilNext(subject.limits, answer, 'sign-in')).toBeGreaterThan(3_000);
      expect(untilNext(subject.limits, answer, 'bulk')).toBeGreaterThan(30_000);
    });

    it('refills at its rate', async () => {
      await store.ask(none);
      const { level } = await store.look();
      await subject.pass(400);
      expect((await store.look()).level - level).toBeGreaterThan(0.09);
      expect((await store.look()).level).toBeLessThan(3);
    });

    it('is one bucket for all callers: many at once get no more than it contains', async () => {
      await subject.fill();
      const doors = Array.from({ length: 5 }, () => subject.open());
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, at) => doors[at % 5]!.ask(wanting({ 'sign-in': 1 }))),
      );
      const granted = answers.reduce((sum, answer) => sum + answer.granted['sign-in'], 0);
      expect(granted).toBe(15);
    });

    it('pauses all callers for the longest time that Box stated, and then begins empty', async () => {
      await subject.fill();
      const other = subject.open();
      expect(await other.refuse(900)).toBeGreaterThan(800);
      expect(await store.refuse(10)).toBeGreaterThan(500);
      const answer = await store.ask(wanting({ 'sign-in': 1 }));
      expect(answer.granted).toEqual(none);
      expect(answer.pausedMs).toBeGreaterThan(0);
      expect(answer.pausedMs).toBeLessThanOrEqual(900);
      expect((await store.look()).pausedMs).toBeGreaterThan(0);
      await subject.pass(1_000);
      expect((await store.look()).pausedMs).toBe(0);
    });

    it('begins empty after a pause', async () => {
      await subject.fill();
      await store.refuse(50);
      await subject.pass(100);
      expect((await store.ask(wanting({ 'sign-in': MANY }))).granted).toEqual(none);
    });

    it('pauses for one second when Box stated no time, and for two at the next refusal', async () => {
      expect(Math.round((await store.refuse(undefined)) / 100)).toBe(10);
      expect(await store.refuse(undefined)).toBeLessThanOrEqual(1_000);
      await subject.pass(1_050);
      expect(Math.round((await store.refuse(undefined)) / 100)).toBe(20);
    });
  });
}
