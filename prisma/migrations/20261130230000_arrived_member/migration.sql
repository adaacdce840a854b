-- Groups of which a member has a Box user now are looked at again, by a request that is queued already if there is one. An
-- earlier request may have brought that generation to Box without the member: then the group takes a new generation, because
-- it would count as in step although the queued request may fail.
CREATE OR REPLACE FUNCTION scim_member_arrived() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  waiting record;
BEGIN
  FOR waiting IN
    SELECT g.id, g.tenant_id, g.generation, g.applied_generation FROM scim_group g
    WHERE g.deleted_at IS NULL AND g.id IN (
      SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = NEW.identity_id AND m.is_wanted
        AND (m.box_membership_id IS NULL OR m.box_user_id IS DISTINCT FROM NEW.box_user_id))
    ORDER BY g.id FOR NO KEY UPDATE OF g
  LOOP
    UPDATE scim_group_member SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false
    WHERE group_id = waiting.id AND identity_id = NEW.identity_id AND box_user_id <> NEW.box_user_id;
    CONTINUE WHEN waiting.applied_generation <> waiting.generation AND EXISTS (
      SELECT FROM provisioning_request r WHERE r.group_id = waiting.id AND r.generation = waiting.generation
        AND r.status = 'queued' AND r.started_at IS NULL);
    UPDATE scim_group SET generation = generation + 1 WHERE id = waiting.id;
    WITH made AS (
      INSERT INTO provisioning_request (tenant_id, group_id, generation, cause, priority, due_at)
      VALUES (waiting.tenant_id, waiting.id, waiting.generation + 1, 'scim', 15, clock_timestamp() + interval '1 second')
      RETURNING id
    ) INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM made;
  END LOOP;
  RETURN NULL;
END $$;
