/** A form on a page. */
export interface Form {
  /** As written; '' is the page's own address. */
  action: string;
  method: 'GET' | 'POST';
  /** The fields that it sends without input, such as `_csrf`. */
  hidden: Record<string, string>;
  /** The names of all its fields. */
  names: string[];
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function decode(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi,
    (whole: string, hex?: string, dec?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (dec !== undefined) return String.fromCodePoint(Number(dec));
      return ENTITIES[name ?? ''] ?? whole;
    },
  );
}

function attribute(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  const value = found?.[1] ?? found?.[2] ?? found?.[3];
  return value === undefined ? undefined : decode(value);
}

const plain = (html: string): string =>
  decode(html.replaceAll(/<[^>]*>/g, ''))
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The text of the page's h1; '' when it has none. */
export function headingIn(html: string): string {
  return plain(/<h1\b[^>]*>([\s\S]*?)<\/h1>/i.exec(html)?.[1] ?? '');
}

/** The text of the element with role="alert". */
export function alertIn(html: string): string | undefined {
  const found = /<(\w+)\b[^>]*\srole="alert"[^>]*>([\s\S]*?)<\/\1>/i.exec(html)?.[2];
  return found === undefined ? undefined : plain(found);
}

/** The value of `data-box-user-id`, anywhere on the page. */
export function boxUserIdIn(html: string): string | undefined {
  const value = /\sdata-box-user-id="([^"]*)"/i.exec(html)?.[1];
  return value === undefined || value === '' ? undefined : decode(value);
}

/** When the page refreshes itself, and with which address; '' is its own. */
export function refreshIn(html: string): { seconds: number; url: string } | undefined {
  const tag = /<meta\b[^>]*http-equiv=["']?refresh["']?[^>]*>/i.exec(html)?.[0];
  const content = tag === undefined ? undefined : attribute(tag, 'content');
  const parts = /^\s*(\d+(?:\.\d+)?)\s*(?:;\s*url\s*=\s*['"]?(.*?)['"]?\s*)?$/i.exec(content ?? '');
  return parts ? { seconds: Number(parts[1]), url: parts[2] ?? '' } : undefined;
}

export function formsIn(html: string): Form[] {
  return [...html.matchAll(/<form\b[^>]*>([\s\S]*?)<\/form>/gi)].map(([whole, inner = '']) => {
    const opening = whole.slice(0, whole.indexOf('>') + 1);
    const inputs = [...inner.matchAll(/<(?:input|textarea|select)\b[^>]*>/gi)].map(([tag]) => ({
      type: attribute(tag, 'type') ?? 'text',
      name: attribute(tag, 'name') ?? '',
      value: attribute(tag, 'value') ?? '',
    }));
    const hidden = inputs.filter(({ type, name }) => type.toLowerCase() === 'hidden' && name !== '');
    return {
      action: attribute(opening, 'action') ?? '',
      method: attribute(opening, 'method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      hidden: Object.fromEntries(hidden.map(({ name, value }) => [name, value])),
      names: inputs.map(({ name }) => name).filter((name) => name !== ''),
    };
  });
}
