import { ScimError } from '../errors.ts';

/** A name that no schema has, where the form of the whole is right: whoever may leave it out can tell. */
export class UnknownAttribute extends ScimError {}
