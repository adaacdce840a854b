import { dirname, join, normalize } from 'node:path';
import { documents, projectFiles, read, ROOT, sources } from './documents.harness.ts';
import { anchorsOf, codeOf, fencesOf, linksOf } from './markdown.ts';
import { existsSync } from 'node:fs';

const texts = new Map(documents.map((file) => [file, read(file)]));
const everything = [...texts.values()].join('\n');
const folders = new Set(
  projectFiles.flatMap((file) => {
    const parts = file.split('/');
    return parts.slice(1).map((_part, at) => parts.slice(0, at + 1).join('/'));
  }),
);
const exists = (path: string): boolean => projectFiles.includes(path) || folders.has(path);
const unique = (values: Iterable<string>): string[] => [...new Set(values)].sort();
const code = (pattern: RegExp): string[] =>
  unique(sources.flatMap((file) => [...read(file).matchAll(pattern)].map(([, name]) => name!)));

describe.each(documents)('%s', (file) => {
  const text = texts.get(file)!;

  it('links to files and headings that exist', () => {
    const missing = linksOf(text).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : normalize(join(dirname(file), path));
      if (!exists(found.replace(/\/$/, ''))) return true;
      return anchor !== undefined && found.endsWith('.md') && !anchorsOf(read(found)).includes(anchor);
    });
    expect(missing).toEqual([]);
  });

  it('names files and folders of the project that exist', () => {
    // A name in capitals is a placeholder for one that the reader chooses.
    const paths = codeOf(text).filter(
      (name) => /^(apps|libs|tools|docs|prisma|\.ci)\/[\w./-]+$/.test(name) && !/[A-Z]{4}/.test(name),
    );
    const missing = paths.filter((path) => {
      const plain = path.replace(/\/$/, '');
      return !exists(plain) && !exists(`${plain}.ts`) && !isBuilt(plain);
    });
    expect(missing).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

/** The build output of a source. */
function isBuilt(path: string): boolean {
  const source = path.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
  return source !== path && existsSync(join(ROOT, source));
}

describe('commands', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  it('of npm are all listed in CONTRIBUTING.md', () => {
    const own = Object.keys(scripts).filter((name) => !/^(pre|post)/.test(name) && name !== 'foyer');
    const named = (name: string) => new RegExp(`npm (run )?${name}\\b`).test(texts.get('CONTRIBUTING.md')!);
    expect(own.filter((name) => !named(name))).toEqual([]);
  });

  const paths = unique(
    sources
      .filter((file) => file.startsWith('apps/operator/'))
      .flatMap((file) => [...read(file).matchAll(/^ {2}path: \[([^\]]+)\]/gm)].map(([, list]) => list!))
      .map((list) => list.replaceAll(/['\s]/g, '').replaceAll(',', ' ')),
  );

  it('of operators are all listed in operate.md', () => {
    expect(paths.length).toBeGreaterThan(10);
    const text = texts.get('docs/operate.md')!;
    expect(paths.filter((path) => !text.includes(`foyer -- ${path}`))).toEqual([]);
  });

  it('of operators that documents name exist', () => {
    const named = [
      ...everything.matchAll(/npm run (?:-s )?foyer -- (?:--env-file \S+ )?([a-z][a-z -]*[a-z])/g),
    ];
    const wrong = named
      .map(([, words]) => words!)
      .filter((words) => !words.endsWith('--help'))
      .filter((words) => !paths.some((path) => `${words} `.startsWith(`${path} `)));
    expect(wrong).toEqual([]);
  });
});

describe('environment variables', () => {
  const own = unique(
    projectFiles
      .filter((file) => /^libs\/platform\/src\/config.*(?<!\.test)\.ts$/.test(file))
      .flatMap((file) =>
        [...read(file).matchAll(/^ {2}([A-Z][A-Z0-9]*_[A-Z0-9_]+): \{/gm)].map(([, name]) => name!),
      ),
  );

  it('are all in the table of the README', () => {
    expect(own.length).toBeGreaterThan(30);
    expect(own.filter((name) => !texts.get('README.md')!.includes(`| \`${name}\``))).toEqual([]);
  });

  it('that documents name exist', () => {
    const known = new Set(own);
    const all =
      sources.map(read).join('\n') +
      projectFiles
        .filter((file) => /^tools\/|^docker-compose|^Dockerfile|^package\.json|\.env$|^\.env/.test(file))
        .map(read)
        .join('\n');
    const named = [...texts]
      .flatMap(([, text]) => codeOf(text))
      .filter((name) => /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(name));
    const unknown = unique(named).filter((name) => {
      const base = name.replace(/_FILE$/, '');
      return !known.has(name) && !known.has(base) && !all.includes(name);
    });
    expect(unknown).toEqual([]);
  });
});

describe('metrics', () => {
  const own = unique(read('libs/platform/src/metrics.ts').match(/foyer_[a-z_]+/g) ?? []);
  const text = texts.get('docs/operate.md')!;

  it('are all in operate.md', () => {
    expect(own.length).toBeGreaterThan(10);
    expect(own.filter((name) => !text.includes(`| \`${name}\``))).toEqual([]);
  });

  it('that documents name exist', () => {
    const named = unique(everything.match(/\bfoyer_[a-z_]+(?=[`{[ ])/g) ?? []).filter(
      // Schemas, roles and notification channels of the database.
      (name) => !/^foyer_(scim|scim_token|queue|app|role)_?$/.test(name),
    );
    const plain = named.map((name) => name.replace(/_(count|sum|bucket)$/, ''));
    expect(plain.filter((name) => !own.includes(name))).toEqual([]);
  });
});

describe('log events', () => {
  const direct = code(/\blog(?:ger)?(?:\.\w+|\[\w+\])\(\s*\{\s*event: '([a-z]+(?:-[a-z]+)*)'/g);
  const text = texts.get('docs/operate.md')!;
  const table = text.slice(text.indexOf('## Logs'), text.indexOf('\n## ', text.indexOf('## Logs') + 1));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const named = unique(
    rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name!)),
  );

  it('that operate.md lists exist', () => {
    const all = sources.map(read).join('\n');
    expect(named.filter((name) => !all.includes(`'${name}'`))).toEqual([]);
  });

  it('are all in operate.md', () => {
    expect(direct.length).toBeGreaterThan(15);
    expect(direct.filter((name) => !named.includes(name))).toEqual([]);
  });
});

it('every block states its language, which decides whether it is run', () => {
  const bare = [...texts].flatMap(([file, text]) =>
    fencesOf(text)
      .filter(({ language }) => language === '')
      .map(({ line }) => `${file}:${line}`),
  );
  expect(bare).toEqual([]);
});
