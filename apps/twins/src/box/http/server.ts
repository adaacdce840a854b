import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerApi, faultTarget, recordCall } from './api.ts';
import type { CallRecord } from './calls.ts';
import { ConfigError, type BoxTwinConfig } from '../config.ts';
import { answerControl } from '../control/control.ts';
import { given } from '../control/control-input.ts';
import { clientError, commonError } from './errors.ts';
import type { FaultEffect, FaultStatus } from '../control/faults.ts';
import { BodyTooLarge, jsonAnswer, readRequest, send, type Answer, type WireRequest } from './wire.ts';
import { World } from '../world.ts';

export interface RunningBoxTwin {
  /** http://HOST:PORT, the origin of the API and of /_control. */
  url: string;
  /** Stops listening, drops delayed calls, and frees the port. */
  close(): Promise<void>;
}

/** Starts a stand-in for Box. Rejects with ConfigError when it cannot listen on the address. */
export async function startBoxTwin(config: BoxTwinConfig): Promise<RunningBoxTwin> {
  const world = new World(config);
  const server = createServer((request, response) => {
    void serve(world, request, response);
  });
  const port = await listen(server, config);
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        world.life.abort();
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: BoxTwinConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const how = 'set BOX_TWIN_PORT to another port (0 takes any free one)';
  if (error.code === 'EADDRINUSE') {
    return new ConfigError(`port ${port} on ${host} is taken. Stop what uses it, or ${how}.`);
  }
  if (error.code === 'EACCES') return new ConfigError(`port ${port} on ${host} needs more rights; ${how}.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new ConfigError(`${host} is no address of this machine. Example: BOX_TWIN_HOST=127.0.0.1`);
  }
  return error;
}

async function serve(world: World, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomBytes(8).toString('hex');
  try {
    const request = await readRequest(incoming, requestId);
    const isControl = request.path === '/_control' || request.path.startsWith('/_control/');
    if (isControl) send(response, answerControl(world, request), requestId);
    else await serveApi(world, request, response);
  } catch (error) {
    if (error instanceof BodyTooLarge) {
      send(
        response,
        clientError(413, 'request_entity_too_large', 'Too Large').answerFor(requestId),
        requestId,
      );
    } else if (!incoming.destroyed || incoming.complete) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      send(response, jsonAnswer(500, { error: 'The Box twin itself failed', detail }), requestId);
    }
  }
}

/** Handles one API call: records it, delays it, applies at most one fault, and responds or cuts the connection. */
async function serveApi(world: World, request: WireRequest, response: ServerResponse): Promise<void> {
  const call = recordCall(world, request);
  const fault = world.faults.take(faultTarget(world, request, call));
  call.fault = fault?.kind ?? null;
  const life = world.life.signal;
  const delay = world.settings.latencyMs + (fault?.kind === 'slow' ? fault.delayMs : 0);
  if (!(await wait(delay, life))) return cut(response, call);
  const answer = await meet(world, request, response, call, fault);
  if (answer === null) return cut(response, call);
  call.status = answer.status;
  if (fault?.kind === 'slowAfter' && !(await wait(fault.delayMs, life))) return cut(response, call);
  call.end = response.destroyed ? 'cut' : 'answered';
  send(response, answer, request.requestId, world.now());
}

/** The response after the fault was applied; null when the connection is to be cut. */
async function meet(
  world: World,
  request: WireRequest,
  response: ServerResponse,
  call: CallRecord,
  fault: FaultEffect | null,
): Promise<Answer | null> {
  switch (fault?.kind) {
    case 'status':
      return failure(request, fault);
    case 'html':
      return htmlPage(fault.status);
    case 'resetBefore':
      return null;
    case 'hang':
      await goneOr(response, world.life.signal);
      return null;
    case 'resetAfter':
      call.status = (await answerApi(world, request, call)).status;
      return null;
    case 'statusAfter':
      await answerApi(world, request, call);
      return failure(request, fault);
    case 'damaged':
      return cutInHalf(await answerApi(world, request, call));
    case 'slow':
    case 'slowAfter':
    case undefined:
      return answerApi(world, request, call);
  }
}

/** Waits; false when the twin was reset or closed meanwhile. */
async function wait(ms: number, life: AbortSignal): Promise<boolean> {
  if (ms === 0) return !life.aborted;
  return sleep(ms, undefined, { signal: life }).then(
    () => true,
    () => false,
  );
}

function goneOr(response: ServerResponse, life: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (life.aborted || response.destroyed) return resolve();
    response.once('close', resolve);
    life.addEventListener('abort', () => resolve(), { once: true });
  });
}

function cut(response: ServerResponse, call: CallRecord): void {
  call.end = 'cut';
  response.socket?.resetAndDestroy();
}

function failure(request: WireRequest, fault: FaultStatus): Answer {
  const headers: Record<string, string> =
    fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  const { code, message } = {
    ...commonError(fault.status),
    ...given({ code: fault.code, message: fault.message }),
  };
  if (request.path.startsWith('/oauth2/')) {
    return jsonAnswer(fault.status, { error: code, error_description: message }, headers);
  }
  return clientError(fault.status, code, message, undefined, headers).answerFor(request.requestId);
}

function htmlPage(status: number): Answer {
  const { message } = commonError(status);
  const body = `<html>\r\n<head><title>${status} ${message}</title></head>\r\n<body><center><h1>${status} ${message}</h1></center></body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

function cutInHalf(answer: Answer): Answer {
  if (answer.status >= 300) return answer;
  return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
}
