import { describeBoxPort } from './box-port.contract.harness.ts';
import { FakeBox, leasedContext, MemoryCallLog } from './fake-box.harness.ts';

describeBoxPort('the fake', async () => {
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
    close: async () => undefined,
  };
});

it('the fake meets any fault it is given, once', async () => {
  const box = new FakeBox();
  const fault = { code: 'box_auth_failed', detail: 'invalid_client', ambiguous: false } as const;
  box.meet('findUser', fault);
  const context = leasedContext();
  expect(await box.findUser(context, 'sub-1')).toEqual({ ok: false, fault });
  expect(await box.findUser(context, 'sub-1')).toEqual({ ok: true, value: null });
});
