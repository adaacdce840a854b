import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { BoxAuth } from './options.ts';

/** A request as it came in; `connection` counts from 1. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly connection: number;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void;

export const SECRET = 'very-secret-value';
export const auth: BoxAuth = { kind: 'ccg', clientId: 'app-1', clientSecret: SECRET, enterpriseId: '77' };

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

export const user = {
  type: 'user',
  id: '4711',
  name: 'Ada Example',
  login: 'AppUser_1_x@boxdevedition.com',
  status: 'active',
  external_app_user_id: 'sub-1',
  is_platform_access_only: true,
};

export const hang: Answer = () => undefined;
export const reset: Answer = (response) => response.socket?.resetAndDestroy();

/** A server that sends exactly the answers of a test, for answers that the well-behaved twin cannot give. */
export class ScriptedBox {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #api: Answer[] = [];
  readonly #token: Answer[] = [];
  readonly #connections = new Map<Socket, number>();
  #tokens = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const url = new URL(request.url ?? '/', 'http://box');
        const { method = '', headers, socket } = request;
        if (!this.#connections.has(socket)) this.#connections.set(socket, this.#connections.size + 1);
        const seen = { method, url, headers, body, connection: this.#connections.get(socket) ?? 0 };
        this.seen.push(seen);
        const queue = url.pathname.startsWith('/oauth2/') ? this.#token : this.#api;
        const answer = queue.shift() ?? (queue === this.#token ? this.#goodToken() : json(500, {}));
        answer(response, seen);
      });
    });
  }

  static async start(): Promise<ScriptedBox> {
    const box = new ScriptedBox();
    await once(box.#server.listen(0, '127.0.0.1'), 'listening');
    return box;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers for the next API requests, in order; 500 when there is none. */
  api(...answers: Answer[]): void {
    this.#api.push(...answers);
  }

  /** Answers for the next token requests, in order; `token-1`, `token-2`, ... when there is none. */
  token(...answers: Answer[]): void {
    this.#token.push(...answers);
  }

  get apiRequests(): SeenRequest[] {
    return this.seen.filter((request) => !request.url.pathname.startsWith('/oauth2/'));
  }

  get tokenRequests(): SeenRequest[] {
    return this.seen.filter((request) => request.url.pathname.startsWith('/oauth2/'));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #goodToken(): Answer {
    this.#tokens += 1;
    return json(200, { access_token: `token-${this.#tokens}`, expires_in: 3600, token_type: 'bearer' });
  }
}
