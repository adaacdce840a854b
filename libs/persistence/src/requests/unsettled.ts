/**
 * True for an identity `i` without a Box user, when one of its creates may have made one, or Box named an existing one
 * (409) last: a next attempt finds that user and deactivates it, whether or not the person is active. The rule of
 * `LastCreate`.
 */
export const hasOpenCreate = `(coalesce((
    SELECT o.result IS NULL OR o.result IN ('ok', 'ambiguous') OR (o.result = 'refused' AND o.status = 409)
    FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.identity_id = i.id AND call.operation = 'create_user' AND call.id > i.creates_after
    ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1), false))`;

/**
 * In SQL: whether a failed request of identity `i` may be retried, with its account `a` of a LEFT JOIN: Box has, may have
 * or should have a user of this person. Without any of it, nothing is left to do.
 */
export const mayBeRetried = `(i.active OR a.identity_id IS NOT NULL OR ${hasOpenCreate})`;
