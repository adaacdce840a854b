import { toPlainError, type Logger, type Metrics } from '@foyer/platform';
import {
  runGroupAttempt,
  runAttempt,
  type GroupAttemptContext,
  type JobContext,
  type JobEnd,
  type AttemptNews,
  type AttemptContext,
} from '@foyer/provisioning';

interface Reporting {
  readonly logger: Logger;
  readonly metrics: Metrics;
}
export type ConvergeContext = Omit<AttemptContext, 'tell'> & Reporting;
export type ConvergeGroupContext = Omit<GroupAttemptContext, 'tell'> & Reporting;

type Handler = (payload: { requestId: string }, context?: JobContext) => Promise<JobEnd>;

/** The handler of the job `converge`: runs one attempt, with its log lines and metrics. */
export function convergeHandler(parts: ConvergeContext): Handler {
  const tell = (news: AttemptNews): void => report(news, parts);
  return ({ requestId }, context) => runAttempt(requestId, { ...parts, tell }, context?.priority);
}

/** The handler of the job `converge-group`. */
export function convergeGroupHandler(parts: ConvergeGroupContext): Handler {
  const tell = (news: AttemptNews): void => report(news, parts);
  return ({ requestId }, context) => runGroupAttempt(requestId, { ...parts, tell }, context?.priority);
}

const endingOf = {
  succeeded: 'converged',
  failed: 'faulted',
  'retry-scheduled': 'faulted',
  'handed-back': 'handed-back',
};

function report(news: AttemptNews, { logger, metrics }: Reporting): void {
  if ('seconds' in news) metrics.convergeSeconds.observe({ ending: endingOf[news.kind] }, news.seconds);
  const { kind: event, ...told } = news;
  switch (news.kind) {
    case 'succeeded':
      metrics.requestsEnded.inc({ status: 'succeeded', outcome: news.outcome });
      return void logger.info({ event, ...told });
    case 'failed':
      metrics.requestsEnded.inc({ status: 'failed', outcome: news.code });
      return void logger.error({ event, ...told });
    case 'handed-back':
      return void logger.info({ event, ...told });
    case 'retry-scheduled':
    case 'lease-lost':
      return void logger.warn({ event, ...told });
    case 'threw': {
      const { error, kind: _threw, ...whose } = news;
      return void logger.error({ event: 'converge-threw', ...whose, err: toPlainError(error) });
    }
  }
}
