import { request } from 'node:http';
import type { Request, Response } from 'express';
import { Api } from '../../access/api.harness.ts';

export interface ScimAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly type: string | null;
  readonly body: Record<string, unknown>;
}

/** The gateway's SCIM paths over HTTP, as a client uses them. */
export class ScimHouse {
  readonly api: Api;
  /** Every line of the gateway's log. */
  readonly logged: string[];

  private constructor(api: Api, logged: string[]) {
    this.api = api;
    this.logged = logged;
  }

  static async start(env: Record<string, string> = {}): Promise<ScimHouse> {
    const logged: string[] = [];
    const api = await Api.start({
      // Lets a test send requests from an address of its own.
      env: { TRUST_PROXY: '1', ...env },
      onLog: (line) => logged.push(line),
      // Runs behind ScimAuthenticator like the SCIM server's own routes, and returns the authenticated client.
      prepare: (app) => app.use('/scim/v2/who', (req: Request, res: Response) => res.json(req.scimClient)),
    });
    return new ScimHouse(api, logged);
  }

  stop(): Promise<void> {
    return this.api.stop();
  }

  async token(name: string, days = 365): Promise<string> {
    const created = await this.api.context.tenant.scimTokens.create({ name, days }, 'operator');
    if (created === null) throw new Error(`${name} is taken`);
    return created.token;
  }

  /** `authorization`: the header's value; several headers when it is a list. */
  ask(
    path: string,
    {
      authorization = [],
      from = '192.0.2.1',
      method = 'GET',
      headers = {},
      body,
    }: {
      authorization?: string | readonly string[];
      from?: string;
      method?: string;
      headers?: Record<string, string>;
      body?: string;
    } = {},
  ): Promise<ScimAnswer> {
    const all = [
      ...['host', new URL(this.api.url).host, 'x-forwarded-for', from],
      ...[authorization].flat().flatMap((value) => ['authorization', value]),
      ...Object.entries(headers).flat(),
      ...(body === undefined ? [] : ['content-length', String(Buffer.byteLength(body))]),
    ];
    return new Promise((resolve, reject) => {
      const sent = request(this.api.url + path, { method, headers: all, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const received = new Headers();
          for (const [name, values = []] of Object.entries(response.headersDistinct))
            for (const value of values) received.append(name, value);
          const type = received.get('content-type');
          resolve({
            status: response.statusCode ?? 0,
            headers: received,
            type,
            body: /json/.test(type ?? '') && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  as(token: string, path = '/scim/v2/who', from?: string): Promise<ScimAnswer> {
    return this.ask(path, { authorization: `Bearer ${token}`, ...(from && { from }) });
  }
}
