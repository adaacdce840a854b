import { projectFiles, read, sources } from './documents.harness.ts';

const text = read('ARCHITECTURE.md');
const section = text.slice(text.indexOf('## Rooms'), text.indexOf('## How it is tested'));
const unique = (values: Iterable<string>): string[] => [...new Set(values)].sort();
const namesIn = (words: string): string[] => [...words.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
const isTest = (file: string): boolean => /\.(test|harness)\.ts$/.test(file);

/** The folders of the drawing, as paths: two spaces of indentation are one level. */
function drawn(): string[] {
  const path: string[] = [];
  const [, drawing = ''] = /```text\n([^]*?)```/.exec(section) ?? [];
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', name] = /^( *)([a-z-]+)\/(?: |$)/.exec(line) ?? [];
    if (name === undefined || indent.length > 4) return [];
    path.splice(indent.length / 2, Infinity, name);
    return [path.join('/')];
  });
}

/** The folders that the drawing has to show: projects, and the rooms of the apps that have rooms. */
const standing = unique(
  projectFiles.flatMap((file) => {
    const [, project] = /^((?:apps|libs)\/[^/]+)\//.exec(file) ?? [];
    const [, app, room] = /^(apps\/(?:gateway|provisioner))\/src\/([^/]+)\//.exec(file) ?? [];
    const inside = room === undefined || room === 'testing' ? [] : [`${app}/${room}`];
    return [...(project === undefined ? [] : [project]), ...inside];
  }),
);

interface Layer {
  readonly projects: readonly string[];
  readonly mayImport: readonly string[];
}
const rows = section.matchAll(/^\| (\w+) +\| (`[^|]+`) +\| ([a-z, ]+?) +\|$/gm);
const layers = new Map<string, Layer>(
  [...rows].map(([, layer, projects, allowed]) => [
    layer!,
    { projects: namesIn(projects!), mayImport: allowed === 'nothing' ? [] : allowed!.split(', ') },
  ]),
);
const layerOf = (project: string): string | undefined =>
  [...layers].find(([, { projects }]) => projects.includes(project))?.[0];

describe('the rooms of ARCHITECTURE.md', () => {
  it('are the folders of the tree, no more and no fewer', () => {
    const rooms = drawn().filter((path) => path.includes('/'));
    expect(rooms.length).toBeGreaterThan(25);
    expect(unique(rooms)).toEqual(standing);
  });

  it('have the layers of their package.json', () => {
    const tagged = projectFiles.flatMap((file) => {
      const [, project] = /^((?:(?:apps|libs)\/[^/]+)|tools)\/package\.json$/.exec(file) ?? [];
      if (project === undefined) return [];
      return [[project, /"layer:(\w+)"/.exec(read(file))?.[1]] as const];
    });
    expect(tagged.length).toBeGreaterThan(10);
    expect(tagged.map(([project]) => [project, layerOf(project)])).toEqual(tagged);
    expect(unique([...layers.values()].flatMap(({ projects }) => projects))).toEqual(
      unique(tagged.map(([project]) => project)),
    );
  });

  it('may import what the boundary rule allows', () => {
    const rules = read('eslint.config.js').matchAll(
      /sourceTag: 'layer:(\w+)',\s*onlyDependOnLibsWithTags: \[([^\]]*)\]/g,
    );
    const allowed = [...rules].map(([, layer, tags]) => [
      layer,
      [...tags!.matchAll(/'layer:(\w+)'/g)].map(([, name]) => name),
    ]);
    expect(Object.fromEntries(allowed)).toEqual(
      Object.fromEntries([...layers].map(([layer, { mayImport }]) => [layer, mayImport])),
    );
  });

  it('import only that', () => {
    const wrong = sources
      .filter((file) => !isTest(file))
      .flatMap((file) => {
        const [, project = ''] = /^((?:apps|libs)\/[^/]+|tools)\/src\//.exec(file) ?? [];
        const mayImport = layers.get(layerOf(project) ?? '')?.mayImport ?? [];
        return [...read(file).matchAll(/from '@foyer\/([a-z]+)/g)]
          .filter(([, library]) => !mayImport.includes(layerOf(`libs/${library}`) ?? 'no layer'))
          .map(([, library]) => `${file} imports ${library}`);
      });
    expect(wrong).toEqual([]);
  });
});

describe('the rooms of the gateway', () => {
  const [, sentence = ''] = /In the gateway a room imports only ([^;]*) and itself/.exec(section) ?? [];
  const commons = namesIn(sentence);
  const crossings = sources
    .filter((file) => !isTest(file))
    .flatMap((file) => {
      const [, room, rest] = /^apps\/gateway\/src\/([^/]+)\/(.+)$/.exec(file) ?? [];
      if (room === undefined || room === 'testing') return [];
      const up = '../'.repeat(rest!.split('/').length);
      return [...read(file).matchAll(/from '([./]+\/)([a-z-]+)\//g)]
        .filter(([, dots, other]) => dots === up && other !== room)
        .map(([, , other]) => ({ file, room, other: other! }));
    });

  it('share the ones that .dependency-cruiser.js names', () => {
    const [, names = ''] = /const commons = '([^']+)'/.exec(read('.dependency-cruiser.js')) ?? [];
    expect(unique(commons)).toEqual(unique(names.split('|')));
  });

  it('import only those, and the home page the files', () => {
    expect(crossings.length).toBeGreaterThan(20);
    const wrong = crossings.filter(
      ({ room, other }) => !commons.includes(other) && !(room === 'home' && other === 'files'),
    );
    expect(wrong).toEqual([]);
  });

  it('import each of those', () => {
    const imported = new Set(crossings.map(({ other }) => other));
    expect(commons.filter((room) => !imported.has(room))).toEqual([]);
  });
});
