import { control, isRecord, type Json } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';
import { ScimServer, TOKEN } from './scim-server.harness.ts';

type Fields = Record<string, unknown>;

/** A twin with a SCIM server to push to. */
export interface Scene {
  twin: OktaTwin;
  server: ScimServer;
  /** Configures provisioning; address and token are filled in. */
  configure: (settings?: Fields) => Promise<Json>;
  /** Performs one action over the control address; returns its response. */
  act: (action: string, body?: unknown) => Promise<Fields>;
  /** A new person without the app; returns their Okta id. */
  hire: (login: string, fields?: Fields) => Promise<string>;
}

/** A scene with a server of its own; the twin may have had others before, one at a time. */
export async function makeScene(twin: OktaTwin): Promise<Scene> {
  const server = new ScimServer();
  await server.start();
  return {
    twin,
    server,
    configure: (settings = {}) =>
      control(twin, '/scim', { baseUrl: server.baseUrl, token: TOKEN, ...settings }, 'PUT'),
    act: async (action, body = {}) => (await control(twin, `/scim/${action}`, body)).body,
    hire: async (login, fields = {}) => {
      const made = await control(twin, '/people', { login, assigned: false, ...fields });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return String(made.body['id']);
    },
  };
}

/** Ends a scene; returns what the server found wrong with any request. */
export async function endScene({ twin, server }: Scene): Promise<string[]> {
  await control(twin, '/reset', {});
  await server.close();
  return server.wrongs;
}

/** All tasks, once no work is left. */
export async function tasksOf({ twin }: Scene): Promise<Fields[]> {
  const { body } = await control(twin, '/scim/tasks?idle=true');
  return Array.isArray(body['tasks']) ? body['tasks'].filter(isRecord) : [];
}

/** `kind about: status` of each task. */
export function lines(tasks: readonly Fields[]): string[] {
  return tasks.map(({ deed, about, status }) => {
    const kind = isRecord(deed) ? String(deed['kind']) : '';
    return `${kind} ${String(about)}: ${String(status)}`;
  });
}
