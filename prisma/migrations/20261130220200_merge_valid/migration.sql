ALTER TABLE identity
  VALIDATE CONSTRAINT identity_merged_into,
  VALIDATE CONSTRAINT identity_merged_is_off,
  VALIDATE CONSTRAINT identity_merged_when;
ALTER TABLE former_box_account VALIDATE CONSTRAINT former_box_account_reason_check;
