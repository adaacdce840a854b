const offsets = new Map<number, string>();
const losAngeles = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  timeZoneName: 'longOffset',
});

/** A date in Box's format: whole seconds and the numeric offset of Los Angeles, 2018-04-26T20:23:44-07:00. */
export function boxDate(at: number): string {
  const offset = offsetAt(at);
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6));
  const shift = (offset.startsWith('-') ? -minutes : minutes) * 60_000;
  return new Date(at + shift).toISOString().slice(0, 19) + offset;
}

function offsetAt(at: number): string {
  const hour = Math.floor(at / 3_600_000);
  let offset = offsets.get(hour);
  if (offset === undefined) {
    const name = losAngeles.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    offset = name === 'GMT' ? '+00:00' : name.slice(3);
    if (offsets.size > 1000) offsets.clear();
    offsets.set(hour, offset);
  }
  return offset;
}
