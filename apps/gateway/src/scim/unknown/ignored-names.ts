import { Injectable } from '@nestjs/common';
import { Metrics } from '@foyer/platform';
import type { Request, Response } from 'express';
import { note, notesOf } from '../../access/call-notes.ts';
import type { UnknownNames } from './unknown-names.ts';

/** The most names that are listed; a client may send thousands. */
const MOST_NAMES = 20;
/** The longest listed name, in UTF-16 units. */
const LONGEST_NAME = 100;

/** Reports the ignored attributes and schemas of a call: in a header, in the audit log and in a metric. */
@Injectable()
export class IgnoredNames {
  constructor(private readonly metrics: Metrics) {}

  tell({ names }: UnknownNames, resource: 'User' | 'Group' | 'Bulk', req: Request, res: Response): void {
    if (names.length === 0) return;
    const told = names.slice(0, MOST_NAMES).map(printable);
    const more = names.length - told.length;
    res.setHeader('foyer-warning', `ignored: ${told.join(', ')}${more > 0 ? `, and ${more} more` : ''}`);
    note(req, { parameters: { ...notesOf(req).parameters, ...ignoredNote({ names }) } });
    this.metrics.scimIgnored.inc({ resource });
  }
}

/** For the audit log. A text that is not spelt like a name may be a secret in the wrong place. */
export function ignoredNote({ names }: Pick<UnknownNames, 'names'>): Readonly<Record<string, unknown>> {
  if (names.length === 0) return {};
  const told = names.slice(0, MOST_NAMES).map((name) => (NAME.test(name) ? name : '…'));
  return { ignored: told, ignoredCount: names.length };
}

/** The spelling of attributes (RFC 7643, section 2.1) and of URNs of schemas. */
const NAME = /^[A-Za-z$][A-Za-z0-9$_.:-]{0,99}$/;

/** A header takes ASCII only, and commas separate the names in it. */
const printable = (name: string): string =>
  name
    .slice(0, LONGEST_NAME)
    .toWellFormed()
    .replaceAll(/[^\x21-\x2b\x2d-\x7e]/gu, (character) => encodeURIComponent(character));
