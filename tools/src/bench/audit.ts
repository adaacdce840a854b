import { startStack } from '../stack.ts';
import { startDrainWorker } from './child.ts';
import { Crowd } from './crowd.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from './figure.ts';
import { median } from './measure.ts';
import { UNLIMITED } from './unlimited.ts';

const PEOPLE: Record<Scale, number> = { full: 2_000, small: 200 };
const ROUNDS = 7;
const kinds = ['audited', 'unaudited'] as const;

/**
 * The share of the drain rate that the audit log costs, its sealing included: two workers that differ in nothing else, each
 * with a tenant of its own in one database, drain in turns; the first round warms up.
 */
async function audit(scale: Scale): Promise<Figure[]> {
  const people = PEOPLE[scale];
  const stack = await startStack({ parts: ['box'], env: UNLIMITED });
  const rates = { audited: new Array<number>(), unaudited: new Array<number>() };
  const sides = await Promise.all(
    kinds.map(async (kind) => ({
      kind,
      worker: await startDrainWorker(stack, kind, kind),
      crowd: await Crowd.open(stack.databaseUrl, kind),
    })),
  );
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      // Whoever goes first finds the machine otherwise than who goes second.
      for (const { kind, crowd } of round % 2 === 0 ? sides : [...sides].reverse()) {
        await crowd.admit(people);
        const { rate } = await crowd.release();
        if (round > 0) rates[kind].push(rate);
      }
    }
  } finally {
    for (const { worker, crowd } of sides) {
      await crowd.close();
      await worker.stop();
    }
    await stack.stop();
  }
  const given = rates.audited.map((rate, at) => 1 - rate / rates.unaudited[at]!);
  return [
    atMost(
      `share of the drain rate given up for the audit log (${ROUNDS} rounds of ${grouped(people)} people)`,
      median(given),
      0.15,
      {
        audited: median(rates.audited),
        unaudited: median(rates.unaudited),
        lowest: Math.min(...given),
        highest: Math.max(...given),
      },
    ),
  ];
}

export const auditMeasurement: Measurement = {
  name: 'audit',
  about: 'share of the drain rate given up for the audit log, against no audit log at all: at most 0.15',
  measure: audit,
};
