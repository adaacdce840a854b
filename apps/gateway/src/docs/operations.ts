import {
  ApiCall,
  ApiCallListQuery,
  FileListQuery,
  FileParams,
  FolderItem,
  Identity,
  IdentityListQuery,
  IdParams,
  Me,
  NewProvisioningRequest,
  NewRetries,
  page,
  ProvisioningRequest,
  ProvisioningRequestSummary,
  RequestListQuery,
  Retries,
} from '@foyer/shared';
import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { createBatch, listBatches, readBatch } from './batch-operations.ts';
import { always, json, located, machine, person, versioned, withBody } from './describe.ts';
import * as examples from './examples.ts';
import * as headers from './headers.ts';
import { problemResponses } from './problems.ts';

const createRequest: ZodOpenApiOperationObject = {
  operationId: 'createProvisioningRequest',
  tags: ['Provisioning requests'],
  summary: 'Provision a person',
  description:
    'Accepts a person as Okta knows them, and creates one request to provision them in Box. All callers who wait for the same ' +
    'change get the same request.',
  security: machine('foyer.write'),
  requestParams: { header: z.object({ 'Idempotency-Key': headers.idempotencyKey }) },
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: NewProvisioningRequest,
        examples: { person: { value: examples.newRequest } },
      },
    },
  },
  responses: {
    200: json(
      'Nothing is left to do. The answer is the newest request.',
      ProvisioningRequest,
      { inStep: examples.done },
      located,
    ),
    202: json('Follow the request.', ProvisioningRequest, { queued: examples.queued }, located),
    ...problemResponses([
      'invalid_request',
      ...withBody,
      ...always,
      'insufficient_scope',
      'identity_deactivated',
      'idempotency_key_reused',
    ]),
  },
};

const listRequests: ZodOpenApiOperationObject = {
  operationId: 'listProvisioningRequests',
  tags: ['Provisioning requests'],
  summary: 'List requests, newest first',
  description: 'Requests of people and of groups. A person who signed in sees their own.',
  security: [...person, ...machine('foyer.read')],
  requestParams: { query: RequestListQuery },
  responses: {
    200: json('A page.', page(ProvisioningRequestSummary).meta({ id: 'ProvisioningRequestPage' }), {
      page: examples.requests,
    }),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope']),
  },
};

const readRequest: ZodOpenApiOperationObject = {
  operationId: 'readProvisioningRequest',
  tags: ['Provisioning requests'],
  summary: 'Follow a request',
  description:
    'To poll cheaply, send the `ETag` as `If-None-Match`, and `Prefer: wait=30` to get the next change at once. ' +
    '`succeeded` and `failed` are final. A person who signed in sees their own requests.',
  security: [...person, ...machine('foyer.read')],
  requestParams: {
    path: IdParams,
    header: z.object({ 'If-None-Match': headers.ifNoneMatch, Prefer: headers.prefer }),
  },
  responses: {
    200: json(
      'The request.',
      ProvisioningRequest,
      {
        queued: examples.queued,
        retrying: examples.retrying,
        succeeded: examples.done,
        ofGroup: examples.ofGroup,
        failed: examples.failed,
      },
      { headers: z.object(versioned) },
    ),
    304: { description: 'Nothing has changed.', headers: z.object(versioned) },
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope', 'not_found']),
  },
};

const retryRequest: ZodOpenApiOperationObject = {
  operationId: 'retryProvisioningRequest',
  tags: ['Provisioning requests'],
  summary: 'Retry a failed request',
  description:
    'Creates a new request for the same person or group; if one is already open, the answer is that one. For a person whom Okta ' +
    'deactivated, only the deactivation of their Box user is retried.',
  security: machine('foyer.write'),
  requestParams: { path: IdParams },
  responses: {
    200: json(
      'The person or the group is already in step.',
      ProvisioningRequest,
      { done: examples.done },
      located,
    ),
    202: json('Follow the new request.', ProvisioningRequest, { retried: examples.retried }, located),
    ...problemResponses([
      'invalid_request',
      'csrf_failed',
      'malformed_body',
      'body_too_large',
      ...always,
      'insufficient_scope',
      'identity_deactivated',
      'identity_merged',
      'not_found',
      'not_retryable',
    ]),
  },
};

const retryAll: ZodOpenApiOperationObject = {
  operationId: 'retryProvisioningRequests',
  tags: ['Provisioning requests'],
  summary: 'Retry all failed requests with one code',
  description:
    'Creates a new request for each person and group whose newest request failed with this code, and who is still not in step. They are ' +
    'processed with low priority. If the call is repeated, no request is created twice.',
  security: machine('foyer.write'),
  requestBody: {
    required: true,
    content: {
      'application/json': { schema: NewRetries, examples: { code: { value: examples.newRetries } } },
    },
  },
  responses: {
    202: json('The number of requests that were created.', Retries, { retried: examples.retries }),
    ...problemResponses(['invalid_request', ...withBody, ...always, 'insufficient_scope']),
  },
};

const readMe: ZodOpenApiOperationObject = {
  operationId: 'readMe',
  tags: ['Me'],
  summary: 'Read my identity and my Box account',
  description: 'Only for people who signed in.',
  security: person,
  responses: {
    200: json('The identity, its Box account, its newest request.', Me, { me: examples.me }),
    ...problemResponses([...always, 'not_found']),
  },
};

/** What asking Box for a person's files can end with. */
const filesProblems = problemResponses([
  'invalid_request',
  ...always,
  'identity_deactivated',
  'not_found',
  'no_box_account',
  'box_rate_limited',
  'box_unavailable',
  'box_ambiguous',
  'box_auth_failed',
  'box_forbidden',
  'box_invalid',
  'box_user_missing',
  'box_user_deactivated',
  'box_app_changed',
]);

const listMyFiles: ZodOpenApiOperationObject = {
  operationId: 'listMyFiles',
  tags: ['Me'],
  summary: 'List my Box files',
  description:
    'Lists the top folder, or the folder that `folder` names, read from Box on behalf of the person. For a folder that is not theirs, ' +
    'the answer is 404. Only for people who signed in.',
  security: person,
  requestParams: { query: FileListQuery },
  responses: {
    200: json('A page, in the order of Box.', page(FolderItem).meta({ id: 'FolderItemPage' }), {
      files: examples.files,
      empty: examples.noFiles,
    }),
    ...filesProblems,
  },
};

const downloadMyFile: ZodOpenApiOperationObject = {
  operationId: 'downloadMyFile',
  tags: ['Me'],
  summary: 'Download one of my files',
  description:
    'Redirects to the address at which Box serves the content. That address needs no token and expires soon: follow it at once, ' +
    'and do not share it. For a file that is not theirs, the answer is 404. Only for people who signed in.',
  security: person,
  requestParams: { path: FileParams },
  responses: {
    302: {
      description: 'The address of the content.',
      headers: z.object({ Location: headers.contentLocation }),
    },
    ...filesProblems,
  },
};

const listIdentities: ZodOpenApiOperationObject = {
  operationId: 'listIdentities',
  tags: ['Identities'],
  summary: 'List identities, newest first',
  security: machine('foyer.read'),
  requestParams: { query: IdentityListQuery },
  responses: {
    200: json('A page.', page(Identity).meta({ id: 'IdentityPage' }), { page: examples.identities }),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope']),
  },
};

const readIdentity: ZodOpenApiOperationObject = {
  operationId: 'readIdentity',
  tags: ['Identities'],
  summary: 'Read an identity and its Box account',
  description: 'A person who signed in sees their own.',
  security: [...person, ...machine('foyer.read')],
  requestParams: { path: IdParams },
  responses: {
    200: json('The identity.', Identity, { identity: examples.identity }),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope', 'not_found']),
  },
};

const listApiCalls: ZodOpenApiOperationObject = {
  operationId: 'listApiCalls',
  tags: ['Audit'],
  summary: 'List API calls, newest first',
  description:
    'Every call to Box, every call to this API that changes something, and every SCIM call. The record never contains secrets.',
  security: machine('foyer.audit'),
  requestParams: { query: ApiCallListQuery },
  responses: {
    200: json('A page.', page(ApiCall).meta({ id: 'ApiCallPage' }), { page: examples.apiCalls }),
    ...problemResponses(['invalid_request', ...always, 'insufficient_scope']),
  },
};

/** Every route under /v1. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/me': { get: readMe },
  '/v1/me/files': { get: listMyFiles },
  '/v1/me/files/{id}/content': { get: downloadMyFile },
  '/v1/provisioning-requests': { post: createRequest, get: listRequests },
  '/v1/provisioning-requests/retries': { post: retryAll },
  '/v1/provisioning-requests/{id}': { get: readRequest },
  '/v1/provisioning-requests/{id}/retry': { post: retryRequest },
  '/v1/provisioning-batches': { post: createBatch, get: listBatches },
  '/v1/provisioning-batches/{id}': { get: readBatch },
  '/v1/identities': { get: listIdentities },
  '/v1/identities/{id}': { get: readIdentity },
  '/v1/api-calls': { get: listApiCalls },
};
