/** The work of three fenced statements about a Box user that does not exist any more; each reads the row `fence`. */

/** Adds a line to the request's timeline for each row of `source`. */
const told = (source: string, event: string): string => `
  noted AS (
    UPDATE provisioning_request r SET version = r.version + 1 FROM ${source} s
    WHERE r.id = $request::uuid RETURNING r.id
  ), told AS (INSERT INTO request_event (request_id, event, detail) SELECT id, '${event}', $detail::text FROM noted)`;

/** The newest change so far: a worker that saves the mapping now knows its result. Read together with `fence`. */
export const changesSettled = `coalesce(
    (SELECT max(c.id) FROM api_call c
      WHERE c.identity_id = fence.id AND c.operation IN ('update_user', 'delete_user')), 0)`;

export const markMissing = `
  marked AS (
    UPDATE box_account a SET missing_since = clock_timestamp() FROM fence
    WHERE a.identity_id = fence.id AND a.box_user_id = $box_user::text AND a.missing_since IS NULL
    RETURNING a.identity_id
  ), ${told('marked', 'box-user-missing')}`;

export const restoreAccount = `
  restored AS (
    UPDATE box_account a SET missing_since = NULL, name = $name::text, status = $status::text, profile = '{}',
      applied_generation = $generation::int, settled_update = ${changesSettled}, found_different = NULL, updated_at = clock_timestamp()
    FROM fence WHERE a.identity_id = fence.id AND a.box_user_id = $box_user::text
    RETURNING a.identity_id
  ), ${told('restored', 'box-user-restored')}`;

/** Stores removed rows of box_account as former ones, with the app that they belonged to. */
export const keepAsFormer = (reason: 'app-changed' | 'deleted' | 'merged', removed: string): string => `
  kept AS (
    INSERT INTO former_box_account
      (tenant_id, identity_id, box_user_id, name, status, box_client_id, box_enterprise_id, reason, mapped_at)
    SELECT a.tenant_id, a.identity_id, a.box_user_id, a.name, a.status, t.box_client_id, t.box_enterprise_id,
      '${reason}', a.created_at
    FROM ${removed} a JOIN tenant t ON t.id = a.tenant_id
    RETURNING identity_id
  )`;

export const forgetAccount = `
  given_up AS (
    DELETE FROM box_account a USING fence WHERE a.identity_id = fence.id AND a.box_user_id = $box_user::text RETURNING a.*
  ), ${keepAsFormer('deleted', 'given_up')},
  ${told('given_up', 'box-user-given-up')}`;

/** Sets `creates_after` to the newest create so far: none of them says anything about the next account. */
export const createsSettled = `creates_after = greatest(identity.creates_after, (
  SELECT max(c.id) FROM api_call c WHERE c.identity_id = identity.id AND c.operation = 'create_user'))`;
