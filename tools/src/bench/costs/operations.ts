import http from 'node:http';
import { z } from 'zod';
import { signIn } from '../../demonstration/browser.ts';
import { SAMPLE_PASSWORD } from '../../stack/twins.ts';
import { administer } from '../statement-counter.ts';
import { pushed, samplePerson, send, switching, type Service } from '../figures/scim-service.ts';
import { get } from '../measure.ts';

/** One kind of request to the gateway. */
export interface Operation {
  readonly name: string;
  /** How many of a hundred are made: a sign-in is many requests. */
  readonly share: number;
  readonly once: () => Promise<void>;
}

const PEOPLE = 200;

/** What the gateway is asked; `agent` holds the connections. Prepared, so that each can be made at once. */
export async function operationsOf(service: Service, agent: http.Agent): Promise<readonly Operation[]> {
  const { base, headers } = service;
  const ids = await pushed(service, PEOPLE);
  const switched = switching(base, ids);
  const expected = (status: number, answer: { readonly status: number; readonly body: string }): string => {
    if (answer.status !== status) throw new Error(`answered ${answer.status}: ${answer.body}`);
    return answer.body;
  };
  const signingIn = await returningSignIn(service);
  const one = await person(service, ids[0]!);
  const filter = `${base}/Users?filter=${encodeURIComponent(`userName eq "${one.userName}"`)}&startIndex=1&count=100`;
  const every = { share: 100 };
  return [
    {
      ...{ name: 'SCIM POST', ...every },
      once: async () =>
        void expected(201, await send(agent, 'POST', `${base}/Users`, headers, samplePerson())),
    },
    {
      ...{ name: 'SCIM PATCH of active', ...every },
      async once() {
        const { url, body } = switched();
        expected(200, await send(agent, 'PATCH', url, headers, body));
      },
    },
    {
      ...{ name: 'SCIM filter userName eq', ...every },
      once: async () => void expected(200, await get(filter, headers, agent)),
    },
    {
      ...{ name: 'SCIM GET by id', ...every },
      once: async () => void expected(200, await get(`${base}/Users/${ids[0]!}`, headers, agent)),
    },
    await statusPoll(service, agent),
    signingIn,
  ];
}

async function person({ base, headers }: Service, id: string): Promise<{ readonly userName: string }> {
  const { body } = await get(`${base}/Users/${id}`, headers, new http.Agent());
  return z.object({ userName: z.string() }).parse(JSON.parse(body));
}

/** A client that asks again for a request that has not changed; one has succeeded by now. */
async function statusPoll({ stack }: Service, agent: http.Agent): Promise<Operation> {
  const [request] = await administer<{ id: string }>(
    stack.databaseUrl,
    `SELECT id FROM provisioning_request WHERE status = 'succeeded' LIMIT 1`,
  );
  const url = `${stack.urls.gateway.replace('localhost', '127.0.0.1')}/v1/provisioning-requests/${request!.id}`;
  const headers: Record<string, string> = {
    authorization: `Bearer ${await stack.okta.serviceToken('foyer.read')}`,
  };
  headers['if-none-match'] = (await get(url, headers, agent)).headers.etag!;
  return {
    ...{ name: 'status poll (304)', share: 100 },
    async once() {
      const { status } = await get(url, headers, agent);
      if (status !== 304) throw new Error(`The poll was answered with ${status}.`);
    },
  };
}

/** A person whom Foyer and Box know, from /login to the final page, in a new browser each time. */
async function returningSignIn({ stack }: Service): Promise<Operation> {
  const login = 'returning@example.com';
  const profile = { login, email: login, name: 'Returning Person' };
  await stack.okta.addPerson({ ...profile, status: 'ACTIVE', assigned: true });
  const enter = async () => {
    const { message } = await signIn(stack.urls.gateway, { username: login, password: SAMPLE_PASSWORD });
    return message;
  };
  await enter();
  return {
    ...{ name: 'returning sign-in, all its pages', share: 10 },
    async once() {
      const message = await enter();
      if (message !== 'Hello Returning Person') throw new Error(`The sign-in ended with: ${message}`);
    },
  };
}
