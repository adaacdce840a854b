import { z } from 'zod';
import { line } from './text.ts';

/**
 * A person as Okta knows them, whichever way they came in. `issuer` and `subject` are the key (OpenID Connect Core 1.0,
 * section 5.7): user names and addresses change hands, subjects do not. `name` may be empty: Box's display name is derived.
 */
export const Person = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).max(255),
  subject: line(255).min(1),
  username: line(255).min(1),
  email: z.email().max(254).optional(),
  name: line(255),
});
export type Person = z.infer<typeof Person>;

/** The name in parts, where a sign-in tells them: Box gets the whole one. */
export interface NameParts {
  readonly givenName?: string;
  readonly familyName?: string;
}
