-- The indexes by scim_fold, which nothing asks by any more. Gateways of the version before look people up without one until
-- they are restarted.
DROP INDEX IF EXISTS identity_scim_user_name, identity_by_user_name;
