import pg from 'pg';
import { type Part } from '../../stack/process.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { startDrainWorker } from '../child.ts';
import { cpuMs } from '../cpu.ts';
import { Crowd } from '../crowd.ts';
import { atMost, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { median } from '../measure.ts';
import { untilSealed } from '../sealed.ts';
import { UNLIMITED } from '../unlimited.ts';

const sizes: Record<Scale, { people: number; rounds: number }> = {
  full: { people: 1_000, rounds: 15 },
  small: { people: 200, rounds: 3 },
};

/**
 * A worker with a tenant of its own, and its results of each round: people a second, and processor time of one person
 * in ms.
 */
interface Side {
  readonly worker: Part;
  readonly crowd: Crowd;
  readonly rates: number[];
  readonly cpu: (number | null)[];
}

/**
 * The share of the drain rate that the audit log costs, with its sealing: two workers that differ in nothing else, in
 * one database, drain in turns; the first round warms up. Turns are short, so that other load on the machine affects
 * both.
 */
async function audit(scale: Scale): Promise<Figure[]> {
  const { people, rounds } = sizes[scale];
  const stack = await startStack({ parts: ['box'], env: UNLIMITED });
  const database = new pg.Client(stack.databaseUrl);
  const sides: Side[] = [];
  try {
    await database.connect();
    for (const kind of ['audited', 'unaudited'] as const) {
      const worker = await startDrainWorker(stack, kind, kind);
      sides.push({ worker, crowd: await Crowd.open(stack.databaseUrl, kind), rates: [], cpu: [] });
    }
    for (let round = 0; round <= rounds; round++) {
      // The order changes, because the machine is not in the same state for the first worker and the second.
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        await runAttempt(side, stack, database, people);
      }
    }
  } finally {
    for (const { worker, crowd } of sides) {
      await crowd.close();
      await worker.stop();
    }
    await database.end();
    await stack.stop();
  }
  return [judge(sides[0]!, sides[1]!, `${rounds} rounds of ${grouped(people)} people`)];
}

/** Sealing the rest at the end of a turn counts towards that turn. */
async function runAttempt(side: Side, stack: Stack, database: pg.Client, people: number): Promise<void> {
  const { crowd, worker, rates, cpu } = side;
  await crowd.admit(people);
  const programs = [worker, stack.parts.postgres, stack.parts.box];
  const ids = await crowd.letGo();
  const began = await cpuMs(programs);
  rates.push((await crowd.done(ids)).rate);
  await untilSealed(database);
  const ended = await cpuMs(programs);
  cpu.push(began === null || ended === null ? null : (ended - began) / people);
}

function judge(audited: Side, unaudited: Side, sizesInWords: string): Figure {
  const given = audited.rates.map((rate, at) => 1 - rate / unaudited.rates[at]!).slice(1);
  const [auditedCpuMs, unauditedCpuMs] = [audited, unaudited].map(({ cpu }) =>
    median(cpu.slice(1).flatMap((ms) => ms ?? [])),
  );
  return atMost(`share of the drain rate given up for the audit log (${sizesInWords})`, median(given), 0.15, {
    audited: median(audited.rates.slice(1)),
    unaudited: median(unaudited.rates.slice(1)),
    lowest: Math.min(...given),
    highest: Math.max(...given),
    ...(auditedCpuMs &&
      unauditedCpuMs && { auditedCpuMs, unauditedCpuMs, cpuShare: 1 - unauditedCpuMs / auditedCpuMs }),
  });
}

export const auditMeasurement: Measurement = {
  name: 'audit',
  about: 'share of the drain rate given up for the audit log, against no audit log at all: at most 0.15',
  measure: audit,
};
