/** How much a test does: the short form in `npm test`, the long one in `npm run test:long`, which sets FOYER_LONG. */
export const volume = (short: number, long: number): number =>
  process.env.FOYER_LONG === 'true' ? long : short;
