/** Every secret of twins.env and of the manuals: whoever has read them has it. */
const samples = [
  'twin-okta-secret',
  'twin-box-secret',
  'twin-service-secret',
  'sample-only',
  'sampleonly',
  'the output of: openssl',
  'the secret of your',
  'changeme',
  'change-me',
  'password',
];

/** True for what the project itself, or everybody, uses as an example. */
export const isSample = (secret: string): boolean =>
  samples.some((sample) => secret.toLowerCase().includes(sample));

/** A repeat of so many characters tells nothing new. */
const REPEAT = 4;

/**
 * About how many bits of chance a text holds, at most: Shannon's measure over its characters and over the steps between
 * them (the lower), without what only repeats. A measure of slips (`aaaa`, `abcd1234`, `secretsecret`), not of passphrases.
 */
export function bitsOf(secret: string): number {
  const fresh = withoutRepeats(secret);
  const codes = [...fresh].map((character) => character.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, at) => code - codes[at]!);
  return Math.min(entropyOf(codes), entropyOf(steps)) * codes.length;
}

function withoutRepeats(text: string): string {
  let fresh = '';
  for (let at = 0; at < text.length;) {
    const length = repeatAt(text, at);
    if (length < REPEAT) fresh += text[at];
    at += length < REPEAT ? 1 : length;
  }
  return fresh;
}

/** How many characters from here on stood there before. */
function repeatAt(text: string, at: number): number {
  let length = 0;
  while (at + length < text.length && text.slice(0, at).includes(text.slice(at, at + length + 1))) length++;
  return length;
}

/** Shannon's entropy of one of these, in bits. */
function entropyOf(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / values.length;
    return sum - share * Math.log2(share);
  }, 0);
}
