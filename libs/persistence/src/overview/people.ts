import { isId } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';

/** The field by which a person was found. */
export type FoundBy = 'identity id' | 'subject' | 'Box user id' | 'user name' | 'e-mail' | 'name';

export interface FoundPerson {
  readonly identityId: string;
  readonly by: FoundBy;
}

/** A group that should contain a person, and whether Box has the membership. */
export interface GroupOfPerson {
  readonly groupId: string;
  readonly displayName: string;
  readonly isInBox: boolean;
  readonly trouble: string | null;
}

/** An id in a directory, and the rule by which it leads to the person. */
export interface LinkOfPerson {
  readonly directory: string;
  readonly subject: string;
  readonly rule: string;
}

export interface FormerBoxUser {
  readonly boxUserId: string;
  readonly reason: string;
  readonly endedAt: Date;
}

export interface PersonSurroundings {
  /** The source of the person's profile: a SCIM client that manages them, or their sign-ins. */
  readonly managedBy: 'scim' | 'sign-in';
  readonly deletedByScimAt: Date | null;
  /** The identity that is this person since an operator merged the two; null: this one. */
  readonly mergedInto: string | null;
  readonly mergedAt: Date | null;
  /** The identities that were merged into this one. */
  readonly mergedFrom: readonly string[];
  /** The ids that lead to the person. */
  readonly links: readonly LinkOfPerson[];
  readonly sessions: number;
  readonly groups: readonly GroupOfPerson[];
  readonly formerBoxUsers: readonly FormerBoxUser[];
}

/** The most people returned for a name that many people share. */
export const PEOPLE_SHOWN = 20;

const byKey = statement<'tenant' | 'query' | 'id'>(
  'person-by-key',
  `SELECT DISTINCT ON (x.id) x.id AS "identityId", x.by FROM (
     SELECT 1 AS rank, id, 'identity id' AS by FROM identity WHERE tenant_id = $tenant::uuid AND id = $id::uuid
     UNION ALL SELECT 2, identity_id, 'subject' FROM identity_link WHERE tenant_id = $tenant::uuid AND subject = $query
     UNION ALL SELECT 3, identity_id, 'Box user id' FROM box_account WHERE tenant_id = $tenant::uuid AND box_user_id = $query
     UNION ALL SELECT 3, identity_id, 'Box user id' FROM former_box_account
       WHERE tenant_id = $tenant::uuid AND box_user_id = $query
     UNION ALL SELECT 4, id, 'user name' FROM identity
       WHERE tenant_id = $tenant::uuid AND scim_user_name(username) = scim_user_name($query)
   ) x ORDER BY x.id, x.rank LIMIT ${PEOPLE_SHOWN + 1}`,
);
/** Scans all people of the tenant, which is acceptable because operators rarely run it. */
const byWords = statement<'tenant' | 'query' | 'like'>(
  'person-by-words',
  `SELECT id AS "identityId", CASE WHEN lower(email) = lower($query) THEN 'e-mail' ELSE 'name' END AS by
   FROM identity WHERE tenant_id = $tenant::uuid
     AND (lower(email) = lower($query) OR name ILIKE $like OR username ILIKE $like)
   ORDER BY lower(email) = lower($query) DESC NULLS LAST, lower(name), id LIMIT ${PEOPLE_SHOWN + 1}`,
);
const own = statement<'tenant' | 'id'>(
  'person-own',
  `SELECT CASE WHEN i.scim IS NULL THEN 'sign-in' ELSE 'scim' END AS "managedBy", i.scim_deleted_at AS "deletedByScimAt",
     i.merged_into AS "mergedInto", i.merged_at AS "mergedAt",
     ARRAY(SELECT o.id::text FROM identity o WHERE o.tenant_id = i.tenant_id AND o.merged_into = i.id ORDER BY o.merged_at, o.id)
       AS "mergedFrom",
     (SELECT count(*)::int FROM session s WHERE s.sess ->> 'identityId' = i.id::text AND s.expire > clock_timestamp())
       AS sessions
   FROM identity i WHERE i.tenant_id = $tenant::uuid AND i.id = $id::uuid`,
);
const groups = statement<'tenant' | 'id'>(
  'person-groups',
  `SELECT g.id AS "groupId", g.display_name AS "displayName", m.box_membership_id IS NOT NULL AS "isInBox", m.trouble
   FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
   WHERE m.tenant_id = $tenant::uuid AND m.identity_id = $id::uuid AND m.is_wanted AND g.deleted_at IS NULL
   ORDER BY g.display_name, g.id`,
);
const links = statement<'tenant' | 'id'>(
  'person-links',
  `SELECT directory, subject, rule FROM identity_link WHERE tenant_id = $tenant::uuid AND identity_id = $id::uuid
   ORDER BY made_at, directory, subject`,
);
const former = statement<'tenant' | 'id'>(
  'person-former',
  `SELECT box_user_id AS "boxUserId", reason, ended_at AS "endedAt" FROM former_box_account
   WHERE tenant_id = $tenant::uuid AND identity_id = $id::uuid ORDER BY id DESC`,
);

/** Escapes LIKE's special characters. */
const contains = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** Finds people, and reads what belongs to one person. Writes nothing. */
export class PeopleOverview {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /**
   * The people that `query` names: by identity id, subject (Okta id), Box user id or user name in any case; if there is
   * none, by e-mail address or part of the name. At most PEOPLE_SHOWN + 1, so that the caller can see that there are
   * more.
   */
  async find(query: string): Promise<FoundPerson[]> {
    const { tenantId: tenant, database } = this;
    const keyed = await run<FoundPerson, 'tenant' | 'query' | 'id'>(database, byKey, {
      tenant,
      query,
      id: isId(query) ? query : null,
    });
    if (keyed.length > 0) return keyed;
    const like = contains(query);
    return run<FoundPerson, 'tenant' | 'query' | 'like'>(database, byWords, { tenant, query, like });
  }

  /** Null for an identity of another tenant. */
  async surroundings(identityId: string): Promise<PersonSurroundings | null> {
    const values = { tenant: this.tenantId, id: identityId };
    const [row] = await run<Omit<PersonSurroundings, 'groups' | 'formerBoxUsers' | 'links'>, 'tenant' | 'id'>(
      this.database,
      own,
      values,
    );
    if (row === undefined) return null;
    return {
      ...row,
      groups: await run(this.database, groups, values),
      links: await run(this.database, links, values),
      formerBoxUsers: await run(this.database, former, values),
    };
  }
}
