import type { DiscrepancyKind } from '@foyer/provisioning';

/** What a kind of discrepancy means to an operator. `title`: its name in the plural; `docs`: its section. */
export interface DiscrepancyMeaning {
  readonly title: string;
  readonly remedy: string;
  readonly docs: string;
}

const words: Readonly<Record<DiscrepancyKind, Pick<DiscrepancyMeaning, 'title' | 'remedy'>>> = {
  duplicate: {
    title: 'duplicates',
    remedy:
      'Keep the mapped Box user. Move the files of the other user to it, then deactivate or delete the other user in Box.',
  },
  orphan: {
    title: 'orphans',
    remedy:
      'Find out who created it. If the person signs in, Foyer maps them to it by their external id. If nobody does, deactivate it in Box: verify then counts it as settled.',
  },
  unmapped: {
    title: 'unmapped',
    remedy:
      'Run verify --repair: a worker finds the Box user and adopts it. If another Box user is mapped, see "missing".',
  },
  missing: {
    title: 'missing',
    remedy:
      'Foyer cannot restore a deleted Box user or its files. Decide with the person, then create a new, empty Box user with box-app recreate IDENTITY. If no Box user is named here, run verify --repair, which creates the missing request.',
  },
  unverified: {
    title: 'unverified writes',
    remedy: 'Run verify --repair: a worker reads the state from Box, which settles the write.',
  },
  drifted: {
    title: 'drifted',
    remedy:
      'The Box user was changed by hand. Run verify --repair, which writes name, profile and status again. The next push or sign-in of the person does the same.',
  },
  mismatched: {
    title: 'mismatched',
    remedy:
      'Do not use this account before it is clear whose account it is. Compare both people, then correct the external id in Box.',
  },
  unlinked: {
    title: 'unlinked',
    remedy:
      'The database was changed by hand, or restored in part. Restore it whole, or insert the missing row of identity_link.',
  },
  group: {
    title: 'groups that differ',
    remedy:
      'The group was changed by hand. Run verify --repair, which creates or renames it and sets its members as Okta pushed them. The next push of the group does the same.',
  },
};

export const meaningOf = (kind: DiscrepancyKind): DiscrepancyMeaning => ({
  ...words[kind],
  docs: `docs/operate.md#${kind}`,
});
