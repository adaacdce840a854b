/** Injection tokens of the two issuers: one for people's sign-ins, one for the access tokens of the API. */
export const SIGN_IN_ISSUER = Symbol('Issuer for sign-ins');
export const API_ISSUER = Symbol('Issuer for access tokens');
