import type { FolderItem } from '@foyer/shared';
import { html, type Html } from '../http/pages/html.ts';
import { page } from '../http/pages/page.ts';
import type { Listing } from './files.service.ts';

/** The folder to list, and the page of it. */
interface Place {
  /** The Box id of the folder. */
  readonly folder: string;
  readonly cursor: string | undefined;
}

/** Renders one page of a folder. */
export function folderPage(listing: Listing, place: Place): string {
  const isTop = place.folder === '0';
  // The name of a folder without items is a call of its own, which may fail.
  const unnamed = place.cursor === undefined ? 'Empty folder' : 'Folder';
  const heading = isTop ? 'Your Box files' : (listing.folderName ?? unnamed);
  return page({
    title: heading,
    body: html`<nav aria-label="Folders">
        <a href="/">Start page</a>${isTop ? null : html`<a href="/files">All files</a>`}
      </nav>
      <h1>${heading}</h1>
      ${listOf(listing, place)}`,
  });
}

/** The items as links, and links to the parent folder and the neighbouring pages. */
export function listOf({ items, nextCursor }: Listing, { folder, cursor }: Place): Html {
  const address = folder === '0' ? '/files' : `/files/${folder}`;
  const first = cursor === undefined ? null : html`<a class="button quiet" href="${address}">First page</a>`;
  const next =
    nextCursor === null
      ? null
      : html`<a class="button quiet" rel="next" href="${address}?cursor=${encodeURIComponent(nextCursor)}"
          >Next page</a
        >`;
  return html`${
    items.length === 0
      ? html`<p class="note">${emptiness(folder, cursor)}</p>`
      : html`<ul class="files">
          ${items.map(rowOf)}
        </ul>`
  }
  ${first === null && next === null ? null : html`<nav class="actions" aria-label="Pages">${first} ${next}</nav>`}`;
}

function emptiness(folder: string, cursor: string | undefined): string {
  if (cursor !== undefined) return 'There are no more files.';
  return folder === '0' ? 'There are no files in your Box account yet.' : 'This folder is empty.';
}

function rowOf({ type, id, name }: FolderItem): Html {
  switch (type) {
    case 'folder':
      return row(html`<a class="item" href="/files/${id}">${name}</a>`, 'Folder');
    case 'file':
      return row(html`<a class="item" href="/files/${id}/content">${name}</a>`, 'File');
    case 'web_link':
      return row(html`<span class="item">${name}</span>`, 'Link');
  }
}

const row = (name: Html, kind: string): Html => html`<li>${name}<span class="soft kind">${kind}</span></li>`;
