import { boxCredentialsWarning, reportBoxNotice } from './box-report.ts';
import { createLogger } from './logging.ts';

/** What the logger received: level and fields. */
function logged(notice: Parameters<typeof reportBoxNotice>[0]): unknown[] {
  const lines: unknown[] = [];
  const logger = createLogger('test', 'silent');
  logger.error = (fields: unknown) => void lines.push(['error', fields]);
  logger.info = (fields: unknown) => void lines.push(['info', fields]);
  reportBoxNotice(notice, logger);
  return lines;
}

describe('credentials that Box refuses', () => {
  it('raise an alarm, and so does their acceptance afterwards', () => {
    const detail = 'Box answered 400 invalid_grant: Grant credentials are invalid';
    expect(logged({ kind: 'credentials-refused', seconds: 61, detail })).toEqual([
      ['error', { event: 'box-credentials-refused', seconds: 61, detail }],
    ]);
    expect(logged({ kind: 'credentials-accepted', seconds: 1200 })).toEqual([
      ['info', { event: 'box-credentials-accepted', seconds: 1200 }],
    ]);
    expect(boxCredentialsWarning({ seconds: 61, detail })?.warning).toMatch(/61 s.*invalid_grant/);
    expect(boxCredentialsWarning(null)).toBeUndefined();
  });
});

it("reports the offset of this machine's clock", () => {
  expect(logged({ kind: 'clock-off', offsetMs: 40_200 })).toEqual([
    ['error', { event: 'box-clock-off', aheadSeconds: -40 }],
  ]);
});
