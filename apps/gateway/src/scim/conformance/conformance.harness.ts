import { ScimTestClient, type ScimBody, type ScimReply } from '../scim.harness.ts';

/**
 * Shared by the conformance tests, which check what an independent suite would check, ordered by section of the RFCs.
 */

export const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0';
export const CORE = 'urn:ietf:params:scim:schemas:core:2.0';

/** The gateway of one test file, from its first test to its last. */
export function client(): { readonly scim: ScimTestClient } {
  const held: { scim?: ScimTestClient } = {};
  beforeAll(async () => {
    held.scim = await ScimTestClient.start();
  });
  afterAll(() => held.scim?.stop());
  return held as { readonly scim: ScimTestClient };
}

let made = 0;
/** A unique name. */
export const fresh = (): string => `person${++made}`;

export const hired = async (
  scim: ScimTestClient,
  more: object = {},
): Promise<ScimBody & { readonly userName: string }> =>
  (await scim.hire(fresh(), more)).body as ScimBody & { readonly userName: string };

export const aString: unknown = expect.any(String);
export const aNumber: unknown = expect.any(Number);
export const aBoolean: unknown = expect.any(Boolean);
export const aList: unknown = expect.any(Array);
export const textLike = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** The envelope of RFC 7644, section 3.12. */
export function expectError(answer: ScimReply, status: number, scimType?: string): void {
  expect(answer.type).toMatch(/^application\/scim\+json/);
  expect(answer.body).toEqual({
    schemas: [`${MESSAGES}:Error`],
    status: String(status),
    ...(scimType !== undefined && { scimType }),
    detail: textLike(/\S/),
  });
  expect(answer.status).toBe(status);
}
