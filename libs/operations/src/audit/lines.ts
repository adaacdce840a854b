import { StringDecoder } from 'node:string_decoder';
import { AuditFileProblem } from '@foyer/provisioning';

/** Longer than any row of ours: a longer line is neither from an export nor from a log. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The lines of a file in UTF-8, without their line ends. Throws AuditFileProblem for a line that is too long. */
export async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let begun: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.write(chunk).split('\n');
    begun.push(first);
    length += first.length;
    for (const next of others) {
      yield begun.join('');
      begun = [next];
      length = next.length;
    }
    if (length > LONGEST_LINE)
      throw new AuditFileProblem(
        'The file is not an export of the audit log, nor a log of Foyer: it has a line of more than 16 MiB.',
      );
  }
  const last = begun.join('') + decoder.end();
  if (last !== '') yield last;
}
