import type {
  ApiCall,
  FolderItem,
  Identity,
  Me,
  NewProvisioningRequest,
  NewRetries,
  Page,
  ProvisioningRequest,
  ProvisioningRequestSummary,
  Retries,
} from '@foyer/shared';

const requestId = '0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01';
const identityId = '7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02';

export const newRequest: NewProvisioningRequest = {
  subject: '00u1exampleAda',
  username: 'ada@example.com',
  email: 'ada@example.com',
  name: 'Ada Example',
};

export const newRetries: NewRetries = { errorCode: 'box_unavailable' };
export const retries: Retries = { retried: 1204, deactivated: 3 };

const summary: ProvisioningRequestSummary = {
  id: requestId,
  identityId,
  groupId: null,
  cause: 'api',
  status: 'succeeded',
  outcome: 'created',
  boxUserId: '31415926535',
  boxGroupId: null,
  attempts: 1,
  createdAt: '2026-11-21T09:00:00.000Z',
  startedAt: '2026-11-21T09:00:00.012Z',
  finishedAt: '2026-11-21T09:00:00.187Z',
  nextAttemptAt: null,
  retryOf: null,
  error: null,
};

export const done: ProvisioningRequest = {
  ...summary,
  timeline: [
    { at: '2026-11-21T09:00:00.000Z', event: 'queued', detail: null },
    { at: '2026-11-21T09:00:00.012Z', event: 'started', detail: null },
    { at: '2026-11-21T09:00:00.180Z', event: 'box-user-created', detail: 'Box user 31415926535' },
    { at: '2026-11-21T09:00:00.187Z', event: 'succeeded', detail: 'created' },
  ],
};

export const queued: ProvisioningRequest = {
  ...summary,
  status: 'queued',
  outcome: null,
  boxUserId: null,
  attempts: 0,
  startedAt: null,
  finishedAt: null,
  timeline: [{ at: '2026-11-21T09:00:00.000Z', event: 'queued', detail: null }],
};

export const retrying: ProvisioningRequest = {
  ...queued,
  status: 'retrying',
  attempts: 1,
  startedAt: '2026-11-21T09:00:00.012Z',
  nextAttemptAt: '2026-11-21T09:00:30.000Z',
  error: {
    code: 'box_rate_limited',
    title: 'Box limits the rate of our calls',
    detail: 'Box asked Foyer to wait 30 s.',
    docs: '/docs/errors#box_rate_limited',
  },
  timeline: [
    ...queued.timeline,
    { at: '2026-11-21T09:00:00.012Z', event: 'started', detail: null },
    {
      at: '2026-11-21T09:00:00.190Z',
      event: 'retry-scheduled',
      detail: 'box_rate_limited: next attempt in 30.0 s',
    },
  ],
};

const groupSummary: ProvisioningRequestSummary = {
  ...summary,
  id: 'c4d8e0b2-7a35-4f19-b6c8-1e9d2f3a4b05',
  identityId: null,
  groupId: 'e5305364-f772-428c-9ff0-af2a08e5037b',
  cause: 'scim',
  outcome: 'updated',
  boxUserId: null,
  boxGroupId: '27182818284',
};

export const ofGroup: ProvisioningRequest = {
  ...groupSummary,
  timeline: [
    { at: '2026-11-21T09:00:00.000Z', event: 'queued', detail: null },
    { at: '2026-11-21T09:00:00.012Z', event: 'started', detail: null },
    { at: '2026-11-21T09:00:00.180Z', event: 'box-members-changed', detail: '1 added, 0 removed' },
    { at: '2026-11-21T09:00:00.187Z', event: 'succeeded', detail: 'updated' },
  ],
};

export const failed: ProvisioningRequest = {
  ...queued,
  status: 'failed',
  attempts: 1,
  startedAt: '2026-11-21T09:00:00.012Z',
  finishedAt: '2026-11-21T09:00:00.190Z',
  error: {
    code: 'box_forbidden',
    title: 'The Box app lacks a permission',
    detail: 'Box answered 403 (access_denied_insufficient_permissions).',
    docs: '/docs/errors#box_forbidden',
  },
  timeline: [
    ...queued.timeline,
    { at: '2026-11-21T09:00:00.012Z', event: 'started', detail: null },
    { at: '2026-11-21T09:00:00.190Z', event: 'failed', detail: 'box_forbidden' },
  ],
};

export const retried: ProvisioningRequest = {
  ...queued,
  id: '9f2e7d5c-3b1a-4c8e-a6f4-0d9b8c7a6f03',
  cause: 'operator',
  retryOf: requestId,
};

export const requests: Page<ProvisioningRequestSummary> = {
  items: [groupSummary, summary],
  nextCursor: 'WyIyMDI2LTExLTIxVDA5OjAwOjAwLjAwMFoiLCIwYjZiMWM5ZS01OGE2LTRmMGMtOWQwYS0yZDdjM2YxZThhMDEiXQ',
};

export const identity: Identity = {
  id: identityId,
  issuer: 'https://example.okta.com',
  subject: '00u1exampleAda',
  username: 'ada@example.com',
  email: 'ada@example.com',
  name: 'Ada Example',
  active: true,
  generation: 1,
  mergedInto: null,
  createdAt: '2026-11-21T09:00:00.000Z',
  updatedAt: '2026-11-21T09:00:00.000Z',
  boxAccount: {
    boxUserId: '31415926535',
    name: 'Ada Example',
    status: 'active',
    missingSince: null,
    inStep: true,
    createdAt: '2026-11-21T09:00:00.180Z',
    updatedAt: '2026-11-21T09:00:00.180Z',
  },
};

export const identities: Page<Identity> = { items: [identity], nextCursor: null };

export const me: Me = { identity, newestRequest: { ...done, cause: 'sign-in' } };

export const files: Page<FolderItem> = {
  items: [
    { type: 'folder', id: '271828182', name: 'Contracts' },
    { type: 'file', id: '161803398', name: 'Welcome.pdf' },
  ],
  nextCursor: null,
};

export const noFiles: Page<FolderItem> = { items: [], nextCursor: null };

export const apiCalls: Page<ApiCall> = {
  items: [
    {
      id: '42',
      at: '2026-11-21T09:00:00.020Z',
      direction: 'out',
      system: 'box',
      operation: 'create_user',
      method: 'POST',
      path: '/2.0/users',
      requestId,
      identityId,
      actor: null,
      parameters: { external_app_user_id: '00u1exampleAda', is_platform_access_only: true },
      result: 'ok',
      status: 201,
      error: null,
      answer: { id: '31415926535' },
      durationMs: 153.2,
    },
  ],
  nextCursor: null,
};
