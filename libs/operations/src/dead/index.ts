export { adviceOn, explainRequest, type ExplainedRequest } from './explain.ts';
export { countDeadLetters, deadLetterPages, type ExplainedCount, type ExplainedDeadLetter } from './list.ts';
export { planRetries, retryDeadLetters, retryRequest, type RetryOptions, type RetryPlan } from './retry.ts';
