import { isFinal } from '@foyer/shared';
import type { RequestVersion, Requests, Scope } from './requests.ts';
import type { RequestWatch } from './request-watch.ts';

/**
 * How long the version of an open request may be answered from memory, in milliseconds: no longer than clients are
 * asked to wait.
 */
const OPEN_FOR_MS = 1_000;
const MOST_KEPT = 10_000;

/**
 * Caches the versions of polled requests, so that most polls cost no query: a final request never changes, and an open
 * one is dropped at the first notification of a change, or after a second without one.
 */
export class RequestVersions {
  private readonly requests: Pick<Requests, 'version'>;
  private readonly now: () => number;
  private changes = 0;
  private readonly kept = new Map<string, { readonly version: RequestVersion; readonly until: number }>();

  constructor(
    requests: Pick<Requests, 'version'>,
    watch: Pick<RequestWatch, 'onChange'>,
    now = () => performance.now(),
  ) {
    this.requests = requests;
    this.now = now;
    watch.onChange((requestId) => {
      this.changes += 1;
      this.kept.delete(requestId);
    });
  }

  /** As `Requests.version`, and at most a second old. */
  async find(id: string, scope: Scope): Promise<RequestVersion | null> {
    const known = this.kept.get(id);
    if (known !== undefined && known.until > this.now()) return within(known.version, scope);
    const { changes } = this;
    const version = await this.requests.version(id, {});
    if (version === null) return null;
    // If any request changed during the read, it may have been this one, so an open version is not cached.
    if (changes === this.changes || isFinal(version.status)) this.keep(id, version);
    return within(version, scope);
  }

  private keep(id: string, version: RequestVersion): void {
    this.kept.delete(id);
    this.kept.set(id, { version, until: isFinal(version.status) ? Infinity : this.now() + OPEN_FOR_MS });
    if (this.kept.size <= MOST_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

const within = (version: RequestVersion, { identityId }: Scope): RequestVersion | null =>
  identityId === undefined || version.identityId === identityId ? version : null;
