/** The named rules by which links are made; see docs/decisions/0016-an-id-is-a-link-to-a-person.md. */
export type LinkRule =
  'same_subject' | 'pushed_user_name' | 'administered' | 'operator_release' | 'operator_merge';
