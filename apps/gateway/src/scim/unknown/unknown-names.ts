import { knownBody, knownOperations, type PatchOperation, type ResourceType } from '@foyer/scim';

/**
 * Removes from one call's bodies what no schema defines, and collects its names; with `refuse`, leaves the bodies
 * unchanged.
 */
export class UnknownNames {
  private readonly rule: 'ignore' | 'refuse';
  private readonly found = new Set<string>();

  constructor(rule: 'ignore' | 'refuse') {
    this.rule = rule;
  }

  get names(): readonly string[] {
    return [...this.found];
  }

  body(body: unknown, type: ResourceType): unknown {
    return this.rule === 'refuse' ? body : this.noted(knownBody(body, type));
  }

  operations(operations: readonly PatchOperation[], type: ResourceType): readonly PatchOperation[] {
    return this.rule === 'refuse' ? operations : this.noted(knownOperations(operations, type));
  }

  private noted<T>({ value, ignored }: { readonly value: T; readonly ignored: readonly string[] }): T {
    for (const name of ignored) this.found.add(name);
    return value;
  }
}
