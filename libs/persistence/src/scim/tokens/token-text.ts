import { createHash, randomBytes } from 'node:crypto';

/** A recognizable prefix, so that scanners of code and logs can detect a leaked token. */
const PREFIX = 'foyer_scim_';
const BYTES = 32;
const SHAPE = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{43}$`);

/** A new token: 256 random bits in base64url, after a prefix. */
export const newScimToken = (): string => PREFIX + randomBytes(BYTES).toString('base64url');

/** True for text with the format of our tokens, whether it is a valid token or not. */
export const isScimToken = (text: string): boolean => SHAPE.test(text);

/** The SHA-256 of a token, in hex, which is stored and looked up instead of the token. */
export const hashOfScimToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The last characters, by which a person recognizes the token. */
export const hintOfScimToken = (token: string): string => token.slice(-4);
