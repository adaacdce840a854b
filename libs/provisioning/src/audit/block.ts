import type { AuditBlock } from '@foyer/shared';
import { auditDigest, type AuditKind } from './row.ts';

/** One row of a block. `id`: decimal digits; `digest`: the digest of the row's line. */
export interface AuditEntry {
  readonly kind: AuditKind;
  readonly id: string;
  readonly digest: string;
}

export const NO_BLOCK = '0'.repeat(64);

/** The most rows in one block. */
export const MAX_BLOCK_ROWS = 10_000;

const ENTRY_BYTES = 41;
const kindBytes: Readonly<Record<AuditKind, number>> = { call: 1, outcome: 2 };

/** The SHA-256 of a block: over the previous block's hash and all the block's own fields. */
export function hashOfBlock(block: Omit<AuditBlock, 'hash' | 'prunedAt'>): string {
  const { previous, tenantId, seq, month, count, calls, outcomes, entriesDigest, sealedAt } = block;
  return auditDigest(
    JSON.stringify([
      'foyer-audit-1',
      previous,
      tenantId,
      seq,
      month,
      count,
      calls,
      outcomes,
      entriesDigest,
      sealedAt,
    ]),
  );
}

/**
 * Makes the next block. `entries` may be in any order; returns them in block order: calls before outcomes, each by id.
 */
export function makeBlock(
  before: Pick<AuditBlock, 'seq' | 'hash'> | null,
  rows: Pick<AuditBlock, 'tenantId' | 'month' | 'sealedAt'> & { readonly entries: readonly AuditEntry[] },
): { block: AuditBlock; entries: AuditEntry[] } {
  const entries = [...rows.entries].sort(compareEntries);
  const block = {
    tenantId: rows.tenantId,
    seq: (before?.seq ?? 0) + 1,
    month: rows.month,
    count: entries.length,
    calls: idRanges(entries, 'call'),
    outcomes: idRanges(entries, 'outcome'),
    entriesDigest: auditDigest(packEntries(entries)),
    previous: before?.hash ?? NO_BLOCK,
    sealedAt: rows.sealedAt,
  };
  return { block: { ...block, hash: hashOfBlock(block), prunedAt: null }, entries };
}

export function compareEntries(
  a: Pick<AuditEntry, 'kind' | 'id'>,
  b: Pick<AuditEntry, 'kind' | 'id'>,
): number {
  if (a.kind !== b.kind) return kindBytes[a.kind] - kindBytes[b.kind];
  const difference = BigInt(a.id) - BigInt(b.id);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Packs each entry as kind (1 byte), id (8 bytes, big endian) and digest (32 bytes). */
export function packEntries(entries: readonly AuditEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES);
  entries.forEach(({ kind, id, digest }, index) => {
    const offset = index * ENTRY_BYTES;
    bytes.writeUInt8(kindBytes[kind], offset);
    bytes.writeBigInt64BE(BigInt(id), offset + 1);
    bytes.write(digest, offset + 9, 32, 'hex');
  });
  return bytes;
}

/** The inverse of `packEntries`; null when the bytes are not packed entries. */
export function unpackEntries(bytes: Buffer): AuditEntry[] | null {
  if (bytes.length % ENTRY_BYTES !== 0) return null;
  const entries: AuditEntry[] = [];
  for (let offset = 0; offset < bytes.length; offset += ENTRY_BYTES) {
    const kindByte = bytes.readUInt8(offset);
    if (kindByte !== kindBytes.call && kindByte !== kindBytes.outcome) return null;
    entries.push({
      kind: kindByte === kindBytes.call ? 'call' : 'outcome',
      id: bytes.readBigInt64BE(offset + 1).toString(),
      digest: bytes.toString('hex', offset + 9, offset + ENTRY_BYTES),
    });
  }
  return entries;
}

/**
 * The ids of one kind in PostgreSQL's multirange notation, with adjacent ids joined. `entries` must be in block order.
 */
export function idRanges(entries: readonly Pick<AuditEntry, 'kind' | 'id'>[], kind: AuditKind): string {
  const ranges: [from: bigint, to: bigint][] = [];
  for (const entry of entries) {
    if (entry.kind !== kind) continue;
    const id = BigInt(entry.id);
    const last = ranges.at(-1);
    if (last?.[1] === id) last[1] = id + 1n;
    else ranges.push([id, id + 1n]);
  }
  return `{${ranges.map(([from, to]) => `[${from},${to})`).join(',')}}`;
}

/** The ids in such a text; null when the text is malformed or names more than `limit` ids. */
export function idsOf(ranges: string, limit = MAX_BLOCK_ROWS): string[] | null {
  if (!/^\{(\[-?\d{1,19},-?\d{1,19}\)(,(?=\[)|(?=\})))*\}$/.test(ranges)) return null;
  const ids: string[] = [];
  for (const [, from, to] of ranges.matchAll(/\[(-?\d+),(-?\d+)\)/g)) {
    for (let id = BigInt(from!); id < BigInt(to!); id++) {
      if (ids.length === limit) return null;
      ids.push(id.toString());
    }
  }
  return ids;
}
