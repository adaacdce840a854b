/** The paths of the SCIM server. The second contains the tenant, for a proxy in front of several gateways. */
export const scimPaths = ['/scim/v2', '/t/:tenant/scim/v2'];

/** The router ignores the case of paths, so this decision must ignore it, too. */
export const isScim = ({ path }: { readonly path: string }): boolean =>
  /^(\/t\/[^/]+)?\/scim\/v2(\/|$)/i.test(path);
