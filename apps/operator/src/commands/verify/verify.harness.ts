import type { TenantWorld } from '../../operator.harness.ts';

/** What `verify --json` prints. */
export interface Certificate {
  fits: boolean;
  counts: Record<string, number>;
  digest: string;
  inProgress: number;
  passed: number;
  settled: number;
  tooNew: number;
  notProvisioned: Record<string, number>;
  former: { digest: string } | null;
  discrepancies: Record<string, unknown>[];
}

/** Runs `verify --json` with the arguments: its exit status and what it prints. Throws what it says when it cannot run. */
export async function certificateOf(
  tenant: TenantWorld,
  ...args: string[]
): Promise<Certificate & { status: number }> {
  const { status, out, err } = await tenant.run('verify', '--json', ...args);
  if (status === 2) throw new Error(err);
  return { status, ...(JSON.parse(out) as Certificate) };
}
