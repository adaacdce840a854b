import type { Identity, IdentityListQuery, Page } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import type { Prisma } from '../generated/client.ts';
import { after, decodeCursor, toPage } from '../database/paging.ts';

type Row = Prisma.IdentityGetPayload<{ include: { boxAccount: true } }>;

/** Reads identities for the API. */
export class Identities {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async find(id: string): Promise<Identity | null> {
    const row = await this.database.prisma.identity.findFirst({
      where: { id, tenantId: this.tenantId },
      include: { boxAccount: true },
    });
    return row && toIdentity(row);
  }

  async list({ cursor, limit, boxUserId, ...filter }: IdentityListQuery): Promise<Page<Identity>> {
    const rows = await this.database.prisma.identity.findMany({
      where: {
        tenantId: this.tenantId,
        ...filter,
        ...(boxUserId === undefined ? {} : { boxAccount: { tenantId: this.tenantId, boxUserId } }),
        ...after(decodeCursor(cursor, 'uuid'), 'createdAt', String),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
      include: { boxAccount: true },
    });
    return toPage(rows, limit, (row) => ({ at: row.createdAt, id: row.id }), toIdentity);
  }
}

function toIdentity({ boxAccount, ...row }: Row): Identity {
  return {
    id: row.id,
    issuer: row.issuer,
    subject: row.subject,
    username: row.username,
    email: row.email,
    name: row.name,
    active: row.active,
    generation: row.generation,
    mergedInto: row.mergedInto,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    boxAccount: boxAccount && {
      boxUserId: boxAccount.boxUserId,
      name: boxAccount.name,
      status: boxAccount.status as 'active' | 'inactive',
      missingSince: boxAccount.missingSince?.toISOString() ?? null,
      inStep: boxAccount.appliedGeneration === row.generation,
      createdAt: boxAccount.createdAt.toISOString(),
      updatedAt: boxAccount.updatedAt.toISOString(),
    },
  };
}
