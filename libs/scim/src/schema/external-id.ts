import { attribute, type Attribute } from './attribute.ts';

/**
 * A common attribute (RFC 7643, section 3.1), listed in the schemas all the same, because clients look for it there.
 */
export const externalId = (uniqueness: Attribute['uniqueness']): Attribute =>
  attribute('externalId', "The client's own identifier.", { caseExact: true, uniqueness, form: 'key' });
