import { createHash } from 'node:crypto';

interface Asset {
  /** Changes with the content, so that it can be kept for ever. */
  readonly path: string;
  readonly type: string;
  readonly content: string;
}

const asset = (name: string, type: string, content: string): Asset => {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type, content };
};

const style = asset(
  'foyer.css',
  'text/css; charset=utf-8',
  `:root {
  --ink: #1b2330; --soft: #566073; --line: #d9dee7; --ground: #f4f6fa; --card: #fff; --act: #0b57d0; --act-ink: #fff;
  --good: #e8f5ec; --bad: #fdeeee;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8ecf3; --soft: #a6b0c0; --line: #343c4a; --ground: #12161d; --card: #1b212b; --act: #8ab4f8;
    --act-ink: #10151c; --good: #17301f; --bad: #3a1d1f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header, main { width: min(42rem, 100% - 2rem); margin-inline: auto; }
header { padding: 1.5rem 0 1rem; }
.brand { font-weight: 700; font-size: 1.15rem; letter-spacing: .02em; color: inherit; text-decoration: none; }
main {
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: clamp(1.25rem, 4vw, 2.5rem);
  margin-bottom: 3rem; overflow-wrap: break-word;
}
code { overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
h1 { overflow-wrap: anywhere; margin: 0 0 .75rem; font-size: clamp(1.5rem, 4vw, 2rem); line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
p { margin: .5rem 0; }
a { color: var(--act); }
.soft { color: var(--soft); }
.note { padding: .75rem 1rem; border-radius: .5rem; background: var(--ground); border: 1px solid var(--line); }
.note.good { background: var(--good); }
.note.bad { background: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
.steps { list-style: none; margin: 1.25rem 0; padding: 0; }
.steps li { position: relative; padding: .3rem 0 .3rem 2rem; color: var(--soft); }
.steps li::before {
  content: ""; position: absolute; left: .25rem; top: .6rem; box-sizing: border-box; width: 1rem; height: 1rem;
  border: 2px solid var(--soft); border-radius: 50%;
}
.steps .done::before { background: var(--act); border-color: var(--act); }
.steps .current { color: var(--ink); font-weight: 600; }
.steps .current::before { border-color: var(--act); border-width: 4px; }
.reference { margin-top: 1.25rem; font-size: .9rem; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .92em; }
ul.files { list-style: none; margin: .5rem 0; padding: 0; border: 1px solid var(--line); border-radius: .5rem; }
ul.files li { display: flex; align-items: start; justify-content: space-between; gap: 1rem; padding: .6rem 1rem; }
.item { min-width: 0; overflow-wrap: anywhere; }
ul.files .kind { flex: none; }
ul.files li + li { border-top: 1px solid var(--line); }
nav[aria-label=Folders] { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-bottom: 1rem; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.75rem; }
.actions form { margin: 0; }
.button, button {
  display: inline-block; padding: .65rem 1.25rem; border: 1px solid var(--act); border-radius: .5rem;
  background: var(--act); color: var(--act-ink); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
}
.button.quiet, button.quiet { background: transparent; color: var(--act); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 3px; }
`,
);

/**
 * Follows a request over the JSON API: each answer is held until something changes, so the page hardly asks. It then shows
 * the new state by loading itself again; without scripts a refresh in the head does the same every two seconds.
 */
const progress = asset(
  'progress.js',
  'text/javascript; charset=utf-8',
  `const place = document.querySelector('[data-request]');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const slow = place.querySelector('[data-field="slow"]');
let etag;
for (;;) {
  try {
    const headers = { accept: 'application/json', prefer: 'wait=10' };
    if (etag) headers['if-none-match'] = etag;
    const began = Date.now();
    const answer = await fetch('/v1/provisioning-requests/' + place.dataset.request, { headers, cache: 'no-store' });
    if (answer.status === 200) {
      etag = answer.headers.get('etag');
      const request = await answer.json();
      if (request.error) slow.hidden = false;
      if (request.finishedAt) break;
    } else if (answer.status !== 304) {
      await pause(2000);
      break;
    }
    if (Date.now() - began < 500) await pause(500);
  } catch {
    await pause(2000);
  }
}
location.reload();
`,
);

const icon = asset(
  'icon.svg',
  'image/svg+xml',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57d0"/>
<path d="M10 26V6h12v4h-8v4h7v4h-7v8z" fill="#fff"/></svg>
`,
);

export const assets = { style, progress, icon } as const;
