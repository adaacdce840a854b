import {
  BatchForecast,
  BatchListQuery,
  NewBatchQuery,
  IdParams,
  page,
  ProvisioningBatch,
  ProvisioningBatchStatus,
} from '@foyer/shared';
import { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import { always, json, located, machine, withBody } from './describe.ts';
import * as examples from './batch-examples.ts';
import * as headers from './headers.ts';
import { problemResponses } from './problems.ts';

const tags = ['Provisioning batches'];
const text = z.string().describe('One person per line, with the fields of a provisioning request.');
const again = { 'Retry-After': headers.retryAfter.optional() };

export const createBatch: ZodOpenApiOperationObject = {
  operationId: 'createProvisioningBatch',
  tags,
  summary: 'Provision a file of people',
  description:
    'Accepts up to 100,000 people while it reads the body, and answers at the end of the body. It rejects only the lines ' +
    'that are not valid; the complete lines of a body that was cut off are kept. A batch does not delay people who sign in.',
  security: machine('foyer.write'),
  requestParams: {
    query: NewBatchQuery,
    header: z.object({ 'Idempotency-Key': headers.idempotencyKey }),
  },
  requestBody: {
    required: true,
    content: {
      'application/x-ndjson': { schema: text, examples: { people: { value: examples.jsonLines } } },
      'text/csv': { schema: text, examples: { people: { value: examples.csv } } },
    },
  },
  responses: {
    200: json('With `dryRun`: what would become of each line. Nothing was done.', BatchForecast, {
      forecast: examples.forecast,
    }),
    202: json(
      'Follow the batch.',
      ProvisioningBatchStatus,
      { working: examples.working },
      { headers: located.headers.extend(again) },
    ),
    ...problemResponses([
      'invalid_request',
      ...withBody,
      ...always,
      'insufficient_scope',
      'idempotency_key_reused',
      'idempotency_key_in_use',
      // Only with `dryRun`, which reads Box.
      'box_rate_limited',
      'box_unavailable',
      'box_ambiguous',
      'box_auth_failed',
      'box_forbidden',
      'box_invalid',
      'box_app_changed',
    ]),
  },
};

export const listBatches: ZodOpenApiOperationObject = {
  operationId: 'listProvisioningBatches',
  tags,
  summary: 'List batches, newest first',
  security: machine('foyer.read'),
  requestParams: { query: BatchListQuery },
  responses: {
    200: json('A page.', page(ProvisioningBatch).meta({ id: 'ProvisioningBatchPage' }), {
      page: examples.batches,
    }),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope']),
  },
};

export const readBatch: ZodOpenApiOperationObject = {
  operationId: 'readProvisioningBatch',
  tags,
  summary: 'Follow a batch',
  description:
    'The number of people in each state, the speed, and a page of the lines that were rejected or whose request failed, in ' +
    'the order of the file: `cursor` and `limit` apply to these lines. Until the batch is done, there is a `Retry-After`.',
  security: machine('foyer.read'),
  requestParams: { path: IdParams, query: BatchListQuery },
  responses: {
    200: json(
      'The batch.',
      ProvisioningBatchStatus,
      { working: examples.working, done: examples.done, interrupted: examples.interrupted },
      { headers: z.object(again) },
    ),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope', 'not_found']),
  },
};
