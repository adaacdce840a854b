import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';
import { version } from './version.ts';

async function foyer(...args: string[]) {
  let [out, err] = ['', ''];
  const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
  const status = await run({
    args,
    commands,
    terminal,
    stopping: new AbortController().signal,
    environment: {},
  });
  return { status, out, err };
}

const groups = [...new Set(commands.flatMap(({ path }) => (path.length > 1 ? [path[0]!] : [])))];

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('lists every command for %j', async (args) => {
    const { status, out, err } = await foyer(...args);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    for (const { path } of commands) expect(out).toContain(`  ${path.join(' ')}`);
  });

  it.each(groups)('of the group %s lists its commands and no others', async (group) => {
    const { status, out } = await foyer(group, '--help');
    const own = commands.filter(({ path }) => path[0] === group);
    // A group of commands that is itself a command has its own help.
    const isCommand = own.some(({ path }) => path.length === 1);
    expect(status).toBe(0);
    if (isCommand) expect(out).toContain(`npm run foyer -- ${group}`);
    else expect(out.match(/^ {2}[a-z]/gm)).toHaveLength(own.length);
  });

  it.each(commands.map((command) => [command.path.join(' ')]))('of %s needs no variable', async (words) => {
    expect(await foyer(...words.split(' '), '--help')).toMatchObject({ status: 0, err: '' });
  });
});

it('prints its version', async () => {
  expect(await foyer('--version')).toEqual({
    status: 0,
    out: `foyer ${version}, Node.js ${process.versions.node}\n`,
    err: '',
  });
});

it.each([['nonsense'], ['dead'], ['dead nonsense'], ['audit'], ['scim-token']])(
  'refuses "%s", and lists the commands',
  async (words) => {
    const { status, out, err } = await foyer(...words.split(' '));
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(`there is no command "${words}"`);
    expect(err).toMatch(/^ {2}[a-z]/m);
  },
);
