import type { Request } from 'express';

/** Where the SCIM server is. The second names the tenant, for whoever has a proxy in front of several. */
export const scimPaths = ['/scim/v2', '/t/:tenant/scim/v2'];

/** The router takes paths whatever their case, and so must whoever decides by them. */
export const isScim = ({ path }: Request): boolean => /^(\/t\/[^/]+)?\/scim\/v2(\/|$)/i.test(path);
