import {
  boxDisplayName,
  type BoxProfile,
  type BoxUserStatus,
  type ForecastStanding,
  type ForecastStore,
} from '@foyer/provisioning';
import type { Person } from '@foyer/shared';
import { isUncertain } from '../convergence/convergence-statements.ts';
import { toLastCreate } from '../convergence/taking.ts';
import { isLinkOf } from '../identities/links.ts';
import type { Database } from '../database/database.ts';

interface Row {
  readonly at: number;
  readonly id: string | null;
  readonly active: boolean | null;
  readonly generation: number | null;
  readonly username: string | null;
  readonly email: string | null;
  readonly name: string | null;
  readonly managed: boolean;
  readonly box_profile: BoxProfile | null;
  readonly box_user_id: string | null;
  readonly box_external_id: string | null;
  readonly own_external_id: string | null;
  readonly applied_profile: BoxProfile | null;
  readonly box_name: string | null;
  readonly box_status: BoxUserStatus | null;
  readonly applied_generation: number | null;
  readonly missing: boolean;
  readonly uncertain: boolean;
  readonly create_id: string | null;
  readonly create_result: 'ok' | 'refused' | 'failed' | 'ambiguous' | null;
  readonly create_status: number | null;
}

/** The state of the people in a file, read as the intake and a worker read it. */
const standings = `SELECT p.at::int, i.id, i.active, i.generation, i.username, i.email, i.name,
    i.scim IS NOT NULL AS managed, i.box_profile, i.box_external_id AS own_external_id, a.external_id AS box_external_id, a.profile AS applied_profile,
    a.box_user_id, a.name AS box_name, a.status AS box_status, a.applied_generation,
    a.missing_since IS NOT NULL AS missing, ${isUncertain} AS uncertain, c.id AS create_id, c.result AS create_result, c.status AS create_status
  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS p (issuer, subject, at)
  LEFT JOIN identity_link l ON ${isLinkOf({ tenant: '$1', directory: 'p.issuer', subject: 'p.subject' })}
  LEFT JOIN identity i ON i.id = l.identity_id
  LEFT JOIN box_account a ON a.identity_id = i.id
  LEFT JOIN LATERAL (
    SELECT call.id, o.result, o.status FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.identity_id = i.id AND call.operation = 'create_user' AND call.id > i.creates_after
    ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1
  ) c ON a.identity_id IS NULL ORDER BY p.at`;

export class PostgresForecastStore implements ForecastStore {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async standings(people: readonly Person[]): Promise<ForecastStanding[]> {
    const { rows } = await this.database.pool.query<Row>(standings, [
      this.tenantId,
      people.map(({ issuer }) => issuer),
      people.map(({ subject }) => subject),
    ]);
    return rows.map((row, at) => toStanding(row, people[at]!));
  }

  async owners(boxUserIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.database.pool.query<{ id: string; owner: string }>(
      `SELECT box_user_id AS id, identity_id AS owner FROM box_account WHERE tenant_id = $1 AND box_user_id = ANY($2)`,
      [this.tenantId, boxUserIds],
    );
    return new Map(rows.map(({ id, owner }) => [id, owner]));
  }
}

function toStanding(row: Row, person: Person): ForecastStanding {
  const { username, name } = row;
  // The profile of a person managed by SCIM is that of the SCIM client.
  const said = row.managed && username !== null && name !== null ? { ...person, username, name } : person;
  const isChanged =
    !row.managed &&
    (username !== person.username || row.email !== (person.email ?? null) || name !== person.name);
  const generation = (row.generation ?? 0) + (isChanged ? 1 : 0);
  const account =
    row.box_user_id === null
      ? null
      : {
          boxUserId: row.box_user_id,
          name: row.box_name!,
          status: row.box_status!,
          appliedGeneration: row.applied_generation!,
          isMissing: row.missing,
          isUncertain: row.uncertain,
          profile: row.applied_profile ?? {},
          ...(row.box_external_id !== null && { externalId: row.box_external_id }),
        };
  return {
    desired: {
      // A person who does not exist yet has no id, and the empty id owns no account.
      identityId: row.id ?? '',
      externalId: row.own_external_id ?? person.subject,
      name: boxDisplayName(said),
      active: row.active ?? true,
      profile: row.box_profile ?? {},
      generation,
    },
    inStep: account !== null && !account.isMissing && account.appliedGeneration === generation,
    account,
    lastCreate: toLastCreate(row),
  };
}
