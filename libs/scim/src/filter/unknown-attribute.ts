import { ScimError } from '../errors.ts';

/** An unknown attribute in otherwise valid syntax, so that callers who ignore unknown attributes can recognize it. */
export class UnknownAttribute extends ScimError {}
