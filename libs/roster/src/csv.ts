import { NewProvisioningRequest, toLine } from '@foyer/shared';
import { parse } from 'csv-parse/sync';

const fields = Object.keys(NewProvisioningRequest.shape);
const needed = Object.entries(NewProvisioningRequest.shape)
  .filter(([, schema]) => !schema.safeParse(undefined).success)
  .map(([name]) => name);

/**
 * The fields of one line (RFC 4180); null when it is not CSV. Each line is one record, because no field of a person
 * contains a line break: so a missing quote affects only one line.
 */
export function fieldsOf(text: string): string[] | null {
  try {
    const rows = parse(text, { record_delimiter: '\n', relax_column_count: true });
    return rows[0] ?? [''];
  } catch {
    return null;
  }
}

/** The columns that a header names, or what is wrong with it: the faulty column, and why. */
export function columnsOf(text: string): { columns: string[] } | { field: string; why: string } {
  const columns = fieldsOf(text)?.map((name) => name.trim());
  if (columns === undefined) return { field: 'header', why: 'is not CSV' };
  for (const [at, name] of columns.entries()) {
    if (!fields.includes(name)) {
      return {
        field: toLine(name, 100) || 'header',
        why: `is not a known column; the known columns are ${fields.join(', ')}`,
      };
    }
    if (columns.indexOf(name) !== at) return { field: name, why: 'is the name of two columns' };
  }
  const missing = needed.find((name) => !columns.includes(name));
  return missing === undefined
    ? { columns }
    : { field: missing, why: 'is a required column that is missing' };
}
