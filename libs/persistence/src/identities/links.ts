import type { LinkRule } from '@foyer/directory';
import { STAND_IN } from '@foyer/scim';
import { run, statement } from '../database/statement.ts';
import type { Transaction } from '../database/transaction.ts';

/** A rule as an SQL text. */
export const ruleText = (rule: LinkRule): string => `'${rule}'`;

/** In SQL: whether `l` is the link of the id. */
export const isLinkOf = (of: {
  readonly [key in 'tenant' | 'directory' | 'subject']: string;
}): string => `l.tenant_id = ${of.tenant} AND l.directory = ${of.directory} AND l.subject = ${of.subject}`;

/** In SQL: whether the subject leads to the identity `row` by an operator's merge. */
export const isByMerge = (row: string, subject: string): string => `EXISTS (SELECT FROM identity_link m
      WHERE m.tenant_id = ${row}.tenant_id AND m.directory = ${row}.issuer AND m.subject = ${subject}
        AND m.identity_id = ${row}.id AND m.rule = ${ruleText('operator_merge')})`;

/** In SQL: the rule of a link; an id that stands in for a missing one says so. */
const ruleOf = (subject: string, rule: string): string =>
  `CASE WHEN ${subject} LIKE '${STAND_IN}%' THEN ${ruleText('stand_in')} ELSE ${rule} END`;

const moves = `ON CONFLICT (tenant_id, directory, subject) DO UPDATE SET identity_id = excluded.identity_id,
      rule = excluded.rule, made_at = clock_timestamp(), made_by = excluded.made_by
    WHERE l.identity_id <> excluded.identity_id`;

/**
 * Parts of a statement that link the new identities of its part `made`, which returns id, tenant_id, issuer and
 * subject. `by` is SQL. Without `mayMove`, an id that already leads to a person is a unique violation;
 * with it, only one that an operator's merge brought is.
 */
export const linkMade = (
  rule: LinkRule,
  by: string,
  { mayMove }: { readonly mayMove: boolean },
): string => `place AS (
    INSERT INTO directory (tenant_id, key) SELECT DISTINCT m.tenant_id, m.issuer FROM made m
    WHERE NOT EXISTS (SELECT FROM directory d WHERE d.tenant_id = m.tenant_id AND d.key = m.issuer) ON CONFLICT DO NOTHING
  ), linked AS (
    INSERT INTO identity_link AS l (tenant_id, directory, subject, identity_id, rule, made_by)
    SELECT m.tenant_id, m.issuer, m.subject, m.id, ${ruleOf('m.subject', ruleText(rule))}, ${by} FROM made m
    ${mayMove ? `${moves} AND l.rule <> ${ruleText('operator_merge')}` : ''}
  )`;

/** `by`: by whose word. */
const link = statement<'tenant' | 'id' | 'subject' | 'rule' | 'by'>(
  'link',
  `WITH person AS (
    SELECT id, tenant_id, issuer, subject, scim FROM identity WHERE tenant_id = $tenant::uuid AND id = $id::uuid
  ), ended AS (
    DELETE FROM identity_link l USING person p
    WHERE ${isLinkOf({ tenant: 'p.tenant_id', directory: 'p.issuer', subject: 'p.subject' })} AND l.identity_id = p.id
      AND p.subject <> $subject::text AND (p.subject LIKE '${STAND_IN}%' OR p.scim ->> 'externalId' = p.subject)
      AND l.rule <> ${ruleText('operator_merge')} AND NOT ${isByMerge('p', '$subject::text')}
  ) INSERT INTO identity_link AS l (tenant_id, directory, subject, identity_id, rule, made_by)
    SELECT p.tenant_id, p.issuer, $subject::text, p.id, ${ruleOf('$subject::text', '$rule::text')}, $by::text
    FROM person p ${moves}`,
);

/**
 * Makes the id that a SCIM client gives a person lead to them, before it is written to the identity's row. If it led to
 * somebody else, the link moves, and their sessions end. The id that a SCIM client gave before ends: the client says
 * that it is not this person's. An id that only a sign-in or a machine brought still leads to the person, because a
 * directory may have one id in its tokens and another in SCIM. Nor does any id end for one that an operator's merge
 * brought, or the reverse: both are this person's, whichever SCIM shows.
 */
export async function linkTo(
  tx: Transaction,
  tenantId: string,
  id: string,
  { subject, rule, by }: { readonly subject: string; readonly rule: LinkRule; readonly by: string | null },
): Promise<void> {
  await run({ tx }, link, { tenant: tenantId, id, subject, rule, by });
}
