import { createLogger } from '@foyer/platform';
import { Sealing } from './sealing.ts';

const hash = 'a'.repeat(64);

/** Two rounds that seal rows, then none. */
function sealer() {
  const rounds = [
    { rows: 2, blocks: 1, head: { seq: 8, hash }, more: true },
    { rows: 1, blocks: 1, head: { seq: 9, hash }, more: false },
  ];
  let ended = () => {};
  const end = new Promise<void>((resolve) => (ended = resolve));
  return {
    end,
    head: async () => ({ seq: 7, hash, sealedAt: new Date() }),
    round: async () => {
      const next = rounds.shift();
      if (rounds.length === 0) ended();
      return next ?? null;
    },
  };
}

it.each(['trace', 'info', 'warn', 'error', 'fatal', 'silent'])(
  'logs each new head of the chain at LOG_LEVEL=%s, and the head at the start',
  async (level) => {
    const lines: Record<string, unknown>[] = [];
    const logger = createLogger('provisioner', level, {
      write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    });
    const heads: number[] = [];
    const parts = sealer();
    const sealing = new Sealing(parts, logger, {
      ...{ tenant: 'acme', intervalMs: 1_000_000, onHead: (seq) => heads.push(seq) },
    });
    await sealing.task.start();
    await parts.end;
    await sealing.task.stop();
    expect(lines).toMatchObject([
      { event: 'audit-head', tenant: 'acme', head: `7:${hash}` },
      { event: 'audit-sealed', tenant: 'acme', rows: 2, head: `8:${hash}` },
      { event: 'audit-sealed', tenant: 'acme', rows: 1, head: `9:${hash}` },
    ]);
    expect(heads).toEqual([8, 9]);
  },
);

it('applies the log level to all other messages', async () => {
  const lines: string[] = [];
  const logger = createLogger('provisioner', 'error', { write: (line) => lines.push(line) });
  let failed = () => {};
  const end = new Promise<void>((resolve) => (failed = resolve));
  const sealing = new Sealing(
    {
      head: async () => null,
      round: async () => {
        failed();
        throw new Error('away');
      },
    },
    logger,
    { tenant: 'acme', intervalMs: 1_000_000 },
  );
  await sealing.task.start();
  await end;
  await sealing.task.stop();
  expect(lines).toEqual([]);
});
