import fc from 'fast-check';
import { Intake, PrismaCallLog, PrismaConvergenceStore, ScimUsers } from '@foyer/persistence';
import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { runAttempt } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import { KeyConflict } from '@foyer/directory';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const ISSUER = 'https://example.okta.com';
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';

const subject = fc.constantFrom('00u1', '00u2', '00u3');
const name = fc.constantFrom('ada@example.com', 'ben@example.com');
const which = fc.nat(2);
const command = fc.oneof(
  fc.record({ kind: fc.constant('sign-in' as const), subject, name, isVerified: fc.boolean() }),
  fc.record({ kind: fc.constant('post' as const), subject: fc.option(subject), name }),
  fc.record({
    kind: fc.constant('change' as const),
    which,
    subject: fc.option(subject),
    name,
    active: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('delete' as const), which }),
  fc.record({ kind: fc.constant('work' as const) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** A session: the identity, the epoch and the id that it was made under. */
interface Session {
  readonly id: string;
  readonly epoch: number;
  readonly subject: string;
}

class Directory {
  readonly box: FakeBox;
  private readonly sessions: Session[] = [];
  private readonly users: ScimUsers;
  private readonly intake: Intake;
  private readonly store: PrismaConvergenceStore;
  private readonly tenantId: string;

  constructor(tenantId: string) {
    const { database } = test;
    this.tenantId = tenantId;
    this.users = new ScimUsers(database, tenantId, ISSUER);
    this.intake = new Intake(database, tenantId);
    this.store = new PrismaConvergenceStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 60_000 });
    this.box = new FakeBox(new PrismaCallLog(database, tenantId, 30_000));
  }

  async do(asked: Command): Promise<void> {
    switch (asked.kind) {
      case 'sign-in':
        return this.signIn(asked);
      case 'work':
        return this.settle();
      case 'post':
        return this.push(asked.name, asked.subject, () => this.users.create(documentOf(asked)));
      case 'change': {
        const id = await this.visible(asked.which);
        if (id === null) return;
        const write = () =>
          this.users.update(
            id,

            ({ document: before }) => ({ ...before, ...documentOf(asked), active: asked.active }),
          );
        return this.push(asked.name, asked.subject, write);
      }
      case 'delete': {
        const id = await this.visible(asked.which);
        if (id !== null) await this.users.remove(id, 'deactivate', () => undefined);
      }
    }
  }

  private async signIn(asked: Extract<Command, { kind: 'sign-in' }>): Promise<void> {
    const person = { issuer: ISSUER, subject: asked.subject, username: asked.name, name: 'Ada Example' };
    const vouched = { isEmailVerified: asked.isVerified };
    const admission = await this.intake.admit(
      { ...person, email: asked.name },
      'sign-in',
      undefined,
      undefined,
      vouched,
    );
    if (!('identity' in admission)) return;
    const { id, sessionEpoch: epoch } = admission.identity;
    this.sessions.push({ id, epoch, subject: asked.subject });
  }

  /** A refusal names a resource that the directory finds by itself. */
  private async push(userName: string, externalId: string | null, write: () => Promise<unknown>) {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof KeyConflict)) throw error;
      const rows = await this.sql(
        `SELECT FROM identity WHERE tenant_id = $1 AND scim_deleted_at IS NULL AND
           (subject = $2 OR (username = $3 AND (scim IS NOT NULL OR username_source <> 'claimed')))`,
        [this.tenantId, externalId, userName],
      );
      expect(rows.length).toBeGreaterThan(0);
    }
  }

  private async visible(at: number): Promise<string | null> {
    const rows = await this.sql<{ id: string }>(
      'SELECT id FROM identity WHERE tenant_id = $1 AND scim_deleted_at IS NULL ORDER BY created_at, id',
      [this.tenantId],
    );
    return rows[at % Math.max(rows.length, 1)]?.id ?? null;
  }

  async settle(): Promise<void> {
    const parts = { store: this.store, box: this.box, policy: { attempts: 3, baseMs: 1, maxMs: 1 } };
    const stopping = new AbortController().signal;
    for (let rounds = 0; ; rounds += 1) {
      const open = await this.sql<{ id: string }>(
        `SELECT id FROM provisioning_request WHERE tenant_id = $1 AND finished_at IS NULL ORDER BY created_at`,
        [this.tenantId],
      );
      if (open.length === 0) return;
      if (rounds === 30) throw new Error('Never settles.');
      for (const { id } of open) await runAttempt(id, { ...parts, stopping, tell: () => undefined });
    }
  }

  /** What holds at any moment. */
  async holds(): Promise<void> {
    const unlinked = await this.sql(
      `SELECT i.id FROM identity i LEFT JOIN identity_link l
         ON l.tenant_id = i.tenant_id AND l.directory = i.issuer AND l.subject = i.subject
       WHERE i.tenant_id = $1 AND l.identity_id IS DISTINCT FROM i.id`,
      [this.tenantId],
    );
    expect(unlinked).toEqual([]);
    for (const { id, epoch, subject: by } of this.sessions) {
      const [row] = await this.sql<{ isGood: boolean; isLinked: boolean }>(
        `SELECT session_epoch = $2 AND active AS "isGood", EXISTS (SELECT FROM identity_link l
           WHERE l.tenant_id = i.tenant_id AND l.identity_id = i.id AND l.subject = $3) AS "isLinked"
         FROM identity i WHERE id = $1`,
        [id, epoch, by],
      );
      if (row!.isGood) expect({ by, ...row }).toMatchObject({ isLinked: true });
    }
  }

  /** What holds when all work is done. */
  async holdsInBox(): Promise<void> {
    const rows = await this.sql<{ boxUserId: string | null; externalId: string | null; active: boolean }>(
      `SELECT a.box_user_id AS "boxUserId", i.box_external_id AS "externalId", i.active
       FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.tenant_id = $1`,
      [this.tenantId],
    );
    const users = [...this.box.users.values()].map(({ id, externalId, status }) => [id, externalId, status]);
    const wanted = rows.flatMap(({ boxUserId, externalId, active }) =>
      boxUserId === null ? [] : [[boxUserId, externalId, active ? 'active' : 'inactive']],
    );
    expect(users.sort()).toEqual(wanted.sort());
    expect(rows.filter(({ active, boxUserId }) => active && boxUserId === null)).toEqual([]);
  }

  private async sql<R extends object>(text: string, values: unknown[]): Promise<R[]> {
    return (await test.database.pool.query<R>(text, values)).rows;
  }
}

const documentOf = (said: { readonly subject: string | null; readonly name: string }) => ({
  ...{ schemas: [SCHEMA], userName: said.name, displayName: 'Ada Example' },
  ...(said.subject !== null && { externalId: said.subject }),
});

describe('any order of directory changes and sign-ins', () => {
  it('leaves each id with one person, each person with one Box user, and no session after its link ended', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 12 }), async (commands) => {
        const directory = new Directory(await test.tenant());
        for (const asked of commands) {
          await directory.do(asked);
          await directory.holds();
        }
        await directory.settle();
        await directory.holdsInBox();
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
