import type { ResourceType } from './attribute.ts';
import { enterpriseUserSchema } from './user.ts';

const OLD_CORE = 'urn:scim:schemas:core:1.0';
const OLD_ENTERPRISE = 'urn:scim:schemas:extension:enterprise:1.0';

/**
 * The 2.0 form of a URN of SCIM 1.0 or 1.1, or of a path that begins with one; any other text unchanged. The old core
 * URN is shared by all resources, so it becomes that of `type`.
 */
export function currentUrn(text: string, type?: ResourceType): string {
  const lower = text.toLowerCase();
  if (type !== undefined && lower === OLD_CORE) return type.schema.id;
  for (const old of [`${OLD_ENTERPRISE}:user`, OLD_ENTERPRISE]) {
    if (lower === old || lower.startsWith(`${old}:`) || lower.startsWith(`${old}.`))
      return enterpriseUserSchema.id + text.slice(old.length).replace(/^\./, ':');
  }
  if (lower.startsWith(`${OLD_CORE}:`)) return text.slice(OLD_CORE.length + 1);
  return text;
}
