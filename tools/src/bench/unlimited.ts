/** A Box that answers at once and a budget without a limit, so that only our own cost is left. */
export const UNLIMITED = {
  box: { BOX_TWIN_RATE_LIMIT: '0' },
  gateway: { API_LIMIT_PER_MINUTE: '0', REQUESTS_AT_ONCE: '0', REQUESTS_AT_ONCE_PER_CALLER: '0' },
  provisioner: { BOX_CALLS_PER_MINUTE: '0' },
};
