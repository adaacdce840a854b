import { randomUUID } from 'node:crypto';
import { leasedContext } from '../attempts/memory-call-log.harness.ts';
import type { BoxSubject } from './box-port.contract.harness.ts';
import { fault, value } from './results.harness.ts';

const NOBODY = '99999999999';

/** The contract of every BoxPort about the folders and files of a person. */
export function describeBoxFiles(name: string, makeSubject: () => Promise<BoxSubject>): void {
  describe(`${name} as a BoxPort, for the files of a person`, () => {
    let subject: BoxSubject;
    let context: ReturnType<typeof leasedContext>;

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(() => subject.close());
    beforeEach(() => {
      context = leasedContext();
    });

    const created = async () => {
      const user = { externalId: `sub-${randomUUID()}`, name: 'Ada Example' };
      const result = value(await subject.box.createUser(context, user));
      if (result.kind !== 'created') throw new Error('The user already exists.');
      return result.user;
    };
    const callsOf = (operation: string) =>
      subject.log.of(operation).filter((call) => call.context.requestId === context.requestId);

    it('lists a folder as its owner, page by page', async () => {
      const { id: boxUserId } = await created();
      const list = async (marker?: string) =>
        value(await subject.box.listFolder(context, { boxUserId, folderId: '0', limit: 2, marker }));
      expect(await list()).toEqual({ items: [], nextMarker: null, folderName: null });
      await subject.addFiles(boxUserId, ['a.txt', 'b.txt', 'c.txt']);
      const first = await list();
      expect(first.items.map((item) => item.name)).toEqual(['a.txt', 'b.txt']);
      expect(first.items[0]?.type).toBe('file');
      const last = await list(first.nextMarker ?? undefined);
      expect(last.items.map((item) => item.name)).toEqual(['c.txt']);
      expect(last.nextMarker).toBeNull();
    });

    it('lists a folder in another folder, with its name', async () => {
      const { id: boxUserId } = await created();
      await subject.addFiles(boxUserId, ['Contracts/a.txt']);
      const list = async (folderId: string) =>
        value(await subject.box.listFolder(context, { boxUserId, folderId, limit: 10 }));
      const top = await list('0');
      expect(top).toMatchObject({ items: [{ type: 'folder', name: 'Contracts' }], folderName: null });
      const inner = await list(top.items[0]?.id ?? '');
      expect(inner).toMatchObject({ items: [{ type: 'file', name: 'a.txt' }], folderName: 'Contracts' });
    });

    it('reads the name of a folder as its owner, and does not record the name', async () => {
      const { id: boxUserId } = await created();
      await subject.addFiles(boxUserId, ['Contracts/a.txt']);
      const { items } = value(await subject.box.listFolder(context, { boxUserId, folderId: '0', limit: 10 }));
      const read = (folderId: string) => subject.box.readFolderName(context, { boxUserId, folderId });
      expect(value(await read(items[0]?.id ?? ''))).toBe('Contracts');
      expect(fault(await read(NOBODY)).code).toBe('not_found');
      const calls = callsOf('read_folder');
      expect(calls.map(({ intent, outcome }) => [intent.actor, outcome?.status])).toEqual([
        [`box:${boxUserId}`, 200],
        [`box:${boxUserId}`, 404],
      ]);
      expect(JSON.stringify(calls.map(({ intent, outcome }) => [intent, outcome]))).not.toContain(
        'Contracts',
      );
    });

    it('returns the address of a file’s content to its owner, and does not record the address', async () => {
      const { id: boxUserId } = await created();
      await subject.addFiles(boxUserId, ['a.txt']);
      const { items } = value(await subject.box.listFolder(context, { boxUserId, folderId: '0', limit: 10 }));
      const query = { boxUserId, fileId: items[0]?.id ?? '' };
      const address = value(await subject.box.locateContent(context, query));
      expect(address).toMatch(/^https?:\/\//);
      const [call] = callsOf('locate_content');
      expect(call).toMatchObject({
        intent: { actor: `box:${boxUserId}` },
        outcome: { result: 'ok', status: 302 },
      });
      expect(JSON.stringify([call?.intent, call?.outcome])).not.toContain(address);
    });

    it('says that a file does not exist', async () => {
      const { id: boxUserId } = await created();
      const result = await subject.box.locateContent(context, { boxUserId, fileId: NOBODY });
      expect(fault(result).code).toBe('not_found');
    });

    it('says that a folder does not exist', async () => {
      const { id: boxUserId } = await created();
      const result = await subject.box.listFolder(context, { boxUserId, folderId: NOBODY, limit: 10 });
      expect(fault(result).code).toBe('not_found');
    });

    it('says that the user it should act as is deactivated, after one call', async () => {
      const { id: boxUserId } = await created();
      value(await subject.box.updateUser(context, boxUserId, { status: 'inactive' }));
      const result = await subject.box.listFolder(context, { boxUserId, folderId: '0', limit: 10 });
      expect(fault(result)).toMatchObject({ code: 'box_user_deactivated', ambiguous: false });
      expect(callsOf('list_folder').map((call) => call.outcome?.result)).toEqual(['refused']);
    });
  });
}
