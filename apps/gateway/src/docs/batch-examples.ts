import type { BatchForecast, Page, ProvisioningBatch, ProvisioningBatchStatus } from '@foyer/shared';
import { newRequest } from './examples.ts';

export const jsonLines =
  `${JSON.stringify(newRequest)}\n` +
  `${JSON.stringify({ subject: '00u2exampleBob', username: 'bob@example.com', name: 'Bob Example' })}\n`;

export const csv =
  'subject,username,email,name\n' +
  '00u1exampleAda,ada@example.com,ada@example.com,Ada Example\n' +
  '00u2exampleBob,bob@example.com,,"Example, Bob"\n';

const batch: ProvisioningBatch = {
  id: '5e0f7a52-9c3d-4b8e-8a61-3f2b1c0d9e06',
  state: 'working',
  format: 'csv',
  counts: {
    lines: 20_000,
    refused: 1,
    waiting: 14_499,
    failed: 0,
    created: 5_000,
    adopted: 0,
    updated: 100,
    unchanged: 400,
    deactivated: 0,
    reactivated: 0,
    deleted: 0,
    kept: 0,
  },
  ratePerSecond: 15.8,
  expectedAt: '2026-11-21T09:20:40.000Z',
  stopped: null,
  createdAt: '2026-11-21T09:00:00.000Z',
  receivedAt: '2026-11-21T09:00:04.512Z',
  finishedAt: null,
};

const refused: ProvisioningBatchStatus['failures']['items'][number] = {
  line: 17,
  subject: '00u3exampleEve',
  code: 'invalid_request',
  detail: null,
  errors: [{ field: 'email', message: 'Invalid email address' }],
  requestId: null,
};

export const working: ProvisioningBatchStatus = {
  ...batch,
  failures: { items: [refused], nextCursor: null },
};

export const done: ProvisioningBatchStatus = {
  ...working,
  state: 'done',
  counts: { ...batch.counts, waiting: 0, failed: 1, created: 19_498 },
  expectedAt: null,
  finishedAt: '2026-11-21T09:20:37.004Z',
  failures: {
    items: [
      refused,
      {
        line: 18,
        subject: '00u4exampleKim',
        code: 'box_user_mismatch',
        detail: 'Box user 31415926535 is not an app user.',
        errors: [],
        requestId: '0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01',
      },
    ],
    nextCursor: null,
  },
};

export const interrupted: ProvisioningBatchStatus = {
  ...working,
  state: 'interrupted',
  receivedAt: null,
  stopped: {
    line: 20_002,
    why: 'The process that read the file stopped here. The lines before were accepted; send the same file again for the rest.',
  },
};

export const batches: Page<ProvisioningBatch> = { items: [batch], nextCursor: null };

const told = { code: null, detail: null, errors: [] };

export const forecast: BatchForecast = {
  counts: {
    lines: 3,
    refused: 1,
    failed: 0,
    created: 1,
    adopted: 0,
    updated: 0,
    unchanged: 1,
    deactivated: 0,
    reactivated: 0,
    deleted: 0,
    kept: 0,
  },
  lines: [
    { line: 1, subject: '00u1exampleAda', would: 'unchanged', ...told },
    { line: 2, subject: '00u2exampleBob', would: 'created', ...told },
    {
      line: 3,
      subject: '00u3exampleEve',
      would: 'refused',
      code: 'invalid_request',
      detail: null,
      errors: refused.errors,
    },
  ],
  stopped: null,
};
