import { describeBoxGroupsPort } from '../groups/box-groups-port.contract.harness.ts';
import { describeBoxFiles } from './box-files.contract.harness.ts';
import { describeBoxLifecycle } from './box-lifecycle.contract.harness.ts';
import { describeBoxPort, type BoxSubject } from './box-port.contract.harness.ts';
import { FakeBox } from './fake-box.harness.ts';
import { leasedContext, MemoryCallLog } from '../attempts/memory-call-log.harness.ts';

const subject = async (): Promise<BoxSubject> => {
  const log = new MemoryCallLog();
  const box = new FakeBox(log);
  return {
    box,
    log,
    meet: async (port, _externalId, trouble) => box.meet(port, trouble),
    setLookupLag: async (lags) => {
      box.lookupLags = lags;
    },
    addFiles: async (boxUserId, names) => box.addFiles(boxUserId, names),
    addGroups: async (names) => box.addGroups(names),
    profileOf: async (boxUserId) => box.profiles.get(boxUserId) ?? {},
    close: async () => undefined,
  };
};

describeBoxPort('the fake', subject);
describeBoxFiles('the fake', subject);
describeBoxLifecycle('the fake', subject);
describeBoxGroupsPort('the fake', subject);

it('applies each configured fault once', async () => {
  const box = new FakeBox();
  const fault = { code: 'box_auth_failed', detail: 'invalid_client', ambiguous: false } as const;
  box.meet('findUser', fault);
  const context = leasedContext();
  expect(await box.findUser(context, 'sub-1')).toEqual({ ok: false, fault });
  expect(await box.findUser(context, 'sub-1')).toEqual({ ok: true, value: null });
});
