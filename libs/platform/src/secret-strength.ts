/** Every secret of twins.env and of the documentation, which are public. */
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

/** True for a secret that the project itself, or many people, use as an example. */
export const isSample = (secret: string): boolean =>
  samples.some((sample) => secret.toLowerCase().includes(sample));

/** A repetition of at least so many characters adds no entropy. */
const REPEAT = 4;

/**
 * An upper estimate of a text's entropy in bits: Shannon's entropy of its characters or of the steps between them,
 * whichever is lower, without repetitions. It detects mistakes (`aaaa`, `abcd1234`, `secretsecret`); it does not rate
 * passphrases.
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

/** How many characters from here on repeat earlier text. */
function repeatAt(text: string, at: number): number {
  let length = 0;
  while (at + length < text.length && text.slice(0, at).includes(text.slice(at, at + length + 1))) length++;
  return length;
}

/** Shannon's entropy of one of these values, in bits. */
function entropyOf(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / values.length;
    return sum - share * Math.log2(share);
  }, 0);
}
