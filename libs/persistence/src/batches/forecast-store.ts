import { decideAdmission, isInStep, nameSources } from '@foyer/directory';
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
import { run, setStatement } from '../database/statement.ts';
import { readPushes, toState, type AdmissionRow } from '../identities/admission-statements.ts';

interface Row {
  readonly at: number;
  readonly id: string | null;
  readonly active: boolean | null;
  readonly generation: number | null;
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

/** What a worker reads of the people in a file. */
const standings = setStatement<'tenant' | 'issuers' | 'subjects'>(
  'forecast-standings',
  `SELECT p.at::int, i.id, i.active, i.generation, i.box_profile, i.box_external_id AS own_external_id, a.external_id AS box_external_id, a.profile AS applied_profile,
    a.box_user_id, a.name AS box_name, a.status AS box_status, a.applied_generation,
    a.missing_since IS NOT NULL AS missing, ${isUncertain} AS uncertain, c.id AS create_id, c.result AS create_result, c.status AS create_status
  FROM unnest($issuers::text[], $subjects::text[]) WITH ORDINALITY AS p (issuer, subject, at)
  LEFT JOIN identity_link l ON ${isLinkOf({ tenant: '$tenant::uuid', directory: 'p.issuer', subject: 'p.subject' })}
  LEFT JOIN identity i ON i.id = l.identity_id
  LEFT JOIN box_account a ON a.identity_id = i.id
  LEFT JOIN LATERAL (
    SELECT call.id, o.result, o.status FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.identity_id = i.id AND call.operation = 'create_user' AND call.id > i.creates_after
    ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1
  ) c ON a.identity_id IS NULL ORDER BY p.at`,
);

const owners = setStatement<'tenant' | 'box_users'>(
  'forecast-owners',
  `SELECT box_user_id AS id, identity_id AS owner FROM box_account
   WHERE tenant_id = $tenant::uuid AND box_user_id = ANY($box_users::text[])`,
);

export class PostgresForecastStore implements ForecastStore {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async standings(people: readonly Person[]): Promise<ForecastStanding[]> {
    const issuers = people.map(({ issuer }) => issuer);
    const subjects = people.map(({ subject }) => subject);
    const usernames = people.map(({ username }) => username);
    const keys = { tenant: this.tenantId, issuers, subjects };
    const [known, rows] = [
      await run<AdmissionRow>(this.database, readPushes, { ...keys, usernames }),
      await run<Row>(this.database, standings, keys),
    ];
    return rows.map((row, at) => toStanding(row, admitted(known[at]!, people[at]!)));
  }

  async owners(boxUserIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const values = { tenant: this.tenantId, box_users: boxUserIds };
    const rows = await run<{ id: string; owner: string }>(this.database, owners, values);
    return new Map(rows.map(({ id, owner }) => [id, owner]));
  }
}

/** The person as the intake would store them, and whether that is a change. */
interface Admitted {
  readonly person: Person;
  readonly isNewGeneration: boolean;
}

function admitted(known: AdmissionRow, person: Person): Admitted {
  const sources = nameSources(person, 'batch', false);
  const decision = decideAdmission(toState(known), { kind: 'push', person, sources });
  const isNewGeneration = decision.kind === 'change' && decision.isNewGeneration;
  if (known.id === null || decision.kind === 'change') return { person, isNewGeneration };
  const { username, name } = known;
  return { person: { ...person, username, name }, isNewGeneration };
}

function toStanding(row: Row, { person, isNewGeneration }: Admitted): ForecastStanding {
  const generation = (row.generation ?? 0) + (row.id === null || isNewGeneration ? 1 : 0);
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
      name: boxDisplayName(person),
      active: row.active ?? true,
      profile: row.box_profile ?? {},
      generation,
    },
    inStep: isInStep(generation, account),
    account,
    lastCreate: toLastCreate(row),
  };
}
