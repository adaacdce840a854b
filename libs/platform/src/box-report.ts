import type { Logger } from './logging.ts';

/** A problem with our credentials or our clock at Box. */
type BoxNotice =
  | { readonly kind: 'credentials-refused'; readonly detail: string; readonly seconds: number }
  | { readonly kind: 'credentials-accepted'; readonly seconds: number }
  | { readonly kind: 'clock-off'; readonly offsetMs: number };

/** Logs it: an alarm while no identity can be provisioned, and the end of that. */
export function reportBoxNotice(notice: BoxNotice, logger: Logger): void {
  switch (notice.kind) {
    case 'credentials-refused': {
      const { seconds, detail } = notice;
      return logger.error({ event: 'box-credentials-refused', seconds, detail });
    }
    case 'credentials-accepted':
      return logger.info({ event: 'box-credentials-accepted', seconds: notice.seconds });
    case 'clock-off': {
      // How far this machine's clock is ahead of Box's; negative when it is behind.
      const aheadSeconds = Math.round(-notice.offsetMs / 1000);
      return logger.error({ event: 'box-clock-off', aheadSeconds });
    }
  }
}

/** The warning of /readyz while Box refuses our credentials. */
export function boxCredentialsWarning(
  problem: { readonly seconds: number; readonly detail: string } | null,
): { readonly warning: string } | undefined {
  if (problem === null) return undefined;
  return {
    warning: `Box has refused our credentials for ${problem.seconds} s. Foyer provisions no person until Box accepts them. ${problem.detail}`,
  };
}
