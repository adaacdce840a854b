import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one process, in Prometheus's text format. */
export class Metrics {
  readonly registry = new Registry();

  constructor(app: string) {
    this.registry.setDefaultLabels({ app });
    collectDefaultMetrics({ register: this.registry });
  }

  readonly httpSeconds = this.histogram('foyer_http_request_seconds', 'HTTP requests that were answered', [
    'method',
    'route',
    'status',
  ]);
  readonly boxCallSeconds = this.histogram('foyer_box_call_seconds', 'Calls to Box', [
    'operation',
    'status',
    'result',
  ]);
  readonly boxRefusals = this.counter('foyer_box_refusals_total', 'Calls that Box refused with 429', []);
  readonly boxBudgetWaitSeconds = this.histogram(
    'foyer_box_budget_wait_seconds',
    'Waiting time for a permit to call Box, by urgency',
    ['urgency'],
  );
  readonly boxBudgetLevel = this.gauge(
    'foyer_box_budget_level',
    'Calls to Box that all processes together can send now',
    [],
  );
  readonly boxBudgetPausedSeconds = this.gauge(
    'foyer_box_budget_paused_seconds',
    'Remaining time of a pause that Box requested',
    [],
  );
  readonly convergeSeconds = this.histogram('foyer_converge_seconds', 'Attempts to converge an identity', [
    'ending',
  ]);
  readonly requestsEnded = this.counter(
    'foyer_provisioning_requests_ended_total',
    'Requests that became final',
    ['status', 'outcome'],
  );
  readonly requestsShed = this.counter(
    'foyer_requests_shed_total',
    'Requests that a limit refused before they were processed',
    ['reason'],
  );
  readonly requestsUnderWay = this.gauge('foyer_requests_under_way', 'Requests in progress', []);
  readonly signIns = this.counter('foyer_sign_ins_total', 'Sign-ins by result', ['result']);
  readonly requestsOpen = this.gauge('foyer_provisioning_requests_open', 'Open requests by status', [
    'status',
  ]);
  readonly oldestRequest = this.gauge(
    'foyer_provisioning_request_oldest_seconds',
    'Age of the oldest open request',
    ['status'],
  );
  readonly boxAppDiffers = this.gauge(
    'foyer_box_app_differs',
    '1 while the accounts belong to another Box app than the configured one',
    [],
  );
  readonly boxCredentialsRefused = this.gauge(
    'foyer_box_credentials_refused_seconds',
    'Time since Box began to refuse our credentials; 0 while Box accepts them',
    [],
  );
  readonly scimIgnored = this.counter(
    'foyer_scim_ignored_total',
    'SCIM writes in which an unknown attribute or schema was ignored',
    ['resource'],
  );
  readonly auditHead = this.gauge('foyer_audit_head', 'Number of the last sealed block of the audit log', []);
  private readonly scimTokenExpires = this.gauge(
    'foyer_scim_token_expires_seconds',
    'Time until a SCIM token expires; below 0 after it expired',
    ['name'],
  );
  private readonly taskFailing = this.gauge(
    'foyer_background_task_failing_seconds',
    'How long the rounds of a background task have failed; 0 while they succeed',
    ['task'],
  );
  private readonly taskRound = this.gauge(
    'foyer_background_task_round_seconds',
    'How long the current round of a background task has run; 0 between two rounds',
    ['task'],
  );
  private readonly queueJobs = this.gauge('foyer_queue_jobs', 'Jobs in the queue', ['lane', 'state']);

  /** Measures one HTTP request to Box; `status` is null when no answer came. */
  observeBoxCall({
    operation,
    status,
    result,
    durationMs,
  }: {
    readonly operation: string;
    readonly status: number | null;
    readonly result: string;
    readonly durationMs: number;
  }): void {
    this.boxCallSeconds.observe({ operation, status: String(status ?? 'none'), result }, durationMs / 1000);
  }

  /** Sets the number of jobs by lane and state. */
  setQueueDepth(depth: Readonly<Record<string, Readonly<Record<string, number>>>>): void {
    for (const [lane, states] of Object.entries(depth)) {
      for (const [state, jobs] of Object.entries(states)) this.queueJobs.set({ lane, state }, jobs);
    }
  }

  /** Null: there is no limit, so the gauges are not shown. */
  showBoxBudget(state: { readonly level: number; readonly pausedMs: number } | null): void {
    if (state === null) return;
    this.boxBudgetLevel.set(state.level);
    this.boxBudgetPausedSeconds.set(state.pausedMs / 1000);
  }

  /** Sets all tokens that are not revoked; earlier ones that are missing now are removed. */
  showScimTokens(tokens: readonly { readonly name: string; readonly secondsLeft: number }[]): void {
    this.scimTokenExpires.reset();
    for (const { name, secondsLeft } of tokens) this.scimTokenExpires.set({ name }, secondsLeft);
  }

  /** Sets how one background task is doing; times in milliseconds. */
  showTask(task: string, state: { readonly failingMs: number; readonly roundMs: number }): void {
    this.taskFailing.set({ task }, state.failingMs / 1000);
    this.taskRound.set({ task }, state.roundMs / 1000);
  }

  /** Reads a gauge's values only when the metrics are requested. */
  collect(read: () => Promise<void>): void {
    this.readers.push(read);
  }

  /** The whole page. A reader that fails only omits its gauges. */
  async page(): Promise<string> {
    await Promise.allSettled(this.readers.map((read) => read()));
    return this.registry.metrics();
  }

  private readonly readers: (() => Promise<void>)[] = [];

  private histogram<L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets: seconds, registers: [this.registry] });
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
