import type { SourceMutant } from './mutant.ts';

const links = 'libs/persistence/src/identities/links.ts';
const admission = 'libs/directory/src/admission.ts';

/** Guards of the ids that lead to a person. */
export const linkMutants: readonly SourceMutant[] = [
  {
    name: 'links: the id of the tokens ends when the directory gives another one',
    file: links,
    from: "AND p.subject <> $subject::text AND (p.subject LIKE '${STAND_IN}%' OR p.scim ->> 'externalId' = p.subject)",
    to: 'AND p.subject <> $subject::text',
  },
  {
    name: 'links: a sign-in under a second id with the same user name is doubtful',
    file: admission,
    from: 'isManaged && !link.isOwn && !link.isSameUserName && !link.isByMerge;',
    to: 'isManaged && !link.isOwn && !link.isByMerge;',
  },
];
