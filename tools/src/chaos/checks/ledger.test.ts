import { sentBlindly, type BegunCreate, type Entry } from './ledger.ts';

const entry = (method: string, path: string, shown: number | null, callId: string): Entry => ({
  exchange: { method, path, body: '{}' },
  ...{ sender: {} as Entry['sender'], callId, holderId: 'ada', did: shown, shown },
});
const create = (shown: number | null, callId: string) => entry('POST', '/2.0/users', shown, callId);
const lookUp = (callId: string) => entry('GET', '/2.0/users?external_app_user_id=00uada', 200, callId);
const BLIND = ['a create was sent again without asking Box first'];
/** The create with this id has no outcome on record. */
const lost = (id: string): BegunCreate => ({
  holderId: 'ada',
  isBefore: (other) => other !== null && other > id,
});

describe('a create that is sent again', () => {
  it.each<[string, Entry[], BegunCreate[], string[]]>([
    ['after an unclear one', [create(null, '1'), create(null, '2')], [], BLIND],
    ['after an unclear one and a look-up', [create(null, '1'), lookUp('2'), create(null, '3')], [], []],
    ['after a refusal', [create(429, '1'), create(201, '2')], [], []],
    [
      'after a look-up, an unclear one in between',
      [create(429, '1'), lookUp('2'), create(null, '3'), create(null, '4')],
      [],
      BLIND,
    ],
    [
      'after a look-up because of a refusal that is not on record, an unclear one in between',
      [create(429, '1'), lookUp('2'), create(null, '3'), create(null, '4')],
      [lost('1')],
      [],
    ],
  ])('%s', (_name, entries, begun, expected) => {
    expect(sentBlindly(entries, begun)).toEqual(expected);
  });
});
