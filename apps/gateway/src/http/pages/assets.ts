import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

interface Asset {
  /** Changes with the content, so browsers may cache each version without expiry. */
  readonly path: string;
  readonly type: string;
  readonly content: string;
}

/** The files stand beside this one, in `src` and, copied by the build, in `dist`. */
const asset = (name: string, type: string): Asset => {
  const content = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type, content };
};

const script = 'text/javascript; charset=utf-8';

/** The stylesheet, the scripts and the icon of our own pages. */
export const assets = {
  style: asset('foyer.css', 'text/css; charset=utf-8'),
  progress: asset('progress.js', script),
  reference: asset('reference.js', script),
  icon: asset('icon.svg', 'image/svg+xml'),
} as const;
