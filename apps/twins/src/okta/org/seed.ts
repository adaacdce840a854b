import { type NewPerson } from './people.ts';

/** The people of a new (or reset) org. Their ids are fixed, so that they stay the same people after a reset. */
export const SEEDED_PEOPLE: readonly NewPerson[] = [
  person('00u1adaExample000001', 'ada@example.com', 'Ada', 'Example', ['Engineering']),
  person('00u1graceSample00002', 'grace@example.com', 'Grace', 'Sample', ['Engineering', 'Managers']),
  person('00u1alanPattern00003', 'alan@example.com', 'Alan', 'Pattern', ['Engineering']),
  person('00u1mariaModel000004', 'maria@example.com', 'Maria', 'Model', ['Sales']),
  person('00u1benTemplate00005', 'ben@example.com', 'Benjamin', 'Template', ['Sales', 'Managers']),
  // 63 characters: longer than Box's 50 for a display name.
  person(
    '00u1longName00000006',
    'long@example.com',
    'Maximiliane-Charlotte-Ann',
    'Beispielhausen-von-Musterwaldenburgen',
    ['Sales'],
  ),
  person('00u1noName0000000007', 'noname@example.com', null, null, ['Sales']),
  person('00u1hanako0000000008', 'hanako@example.com', '花子', '山田', ['Engineering']),
  person('00u1zoe0000000000009', 'zoe@example.com', 'Zoë', "O'Brien-Đặng", ['Engineering']),
  {
    ...person('00u1suspended0000010', 'suspended@example.com', 'Sam', 'Suspended', ['Sales']),
    status: 'SUSPENDED',
  },
  {
    ...person('00u1deactivated00011', 'deactivated@example.com', 'Dee', 'Deactivated', ['Sales']),
    status: 'DEPROVISIONED',
  },
  {
    ...person('00u1unassigned000012', 'unassigned@example.com', 'Una', 'Unassigned', ['Engineering']),
    assigned: false,
  },
];

function person(
  id: string,
  login: string,
  firstName: string | null,
  lastName: string | null,
  groups: string[],
): NewPerson {
  return { id, login, firstName, lastName, groups };
}
