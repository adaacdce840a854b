-- identity_managed_user_name has taken its place. Waits for the statements that use people; takes a moment.
DROP INDEX identity_one_user_name;
