import { createHash, randomBytes } from 'node:crypto';

/** Says what it is wherever it turns up: whoever searches code and logs for leaked secrets knows it by its beginning. */
const PREFIX = 'foyer_scim_';
const BYTES = 32;
const SHAPE = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{43}$`);

/** A new token: 256 random bits in base64url, after a prefix. */
export const newScimToken = (): string => PREFIX + randomBytes(BYTES).toString('base64url');

/** True for what has the shape of our tokens, whether it is one or not. */
export const isScimToken = (text: string): boolean => SHAPE.test(text);

/** The SHA-256 of a token, in hex: what is kept and looked up in its place. */
export const hashOfScimToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** By what a person knows it again. */
export const hintOfScimToken = (token: string): string => token.slice(-4);
