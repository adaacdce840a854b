/** Injection tokens of the two issuers: whom people sign in at, and whose access tokens the API takes. */
export const SIGN_IN_ISSUER = Symbol('Issuer of sign-ins');
export const API_ISSUER = Symbol('Issuer of access tokens');
