import { z } from 'zod';
import { line } from './text.ts';

/**
 * A person as Okta describes them, whichever connection they came through. `issuer` and `subject` are the key (OpenID
 * Connect Core 1.0, section 5.7): user names and addresses can be reassigned, subjects cannot. `name` may be empty:
 * Box's display name is then derived.
 */
export const Person = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).max(255),
  subject: line(255).min(1),
  username: line(255).min(1),
  email: z.email().max(254).optional(),
  name: line(255),
});
export type Person = z.infer<typeof Person>;

/** The parts of the name, when a sign-in provides them. Box gets the whole name. */
export interface NameParts {
  readonly givenName?: string;
  readonly familyName?: string;
}
