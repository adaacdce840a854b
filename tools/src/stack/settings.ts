export interface Ports {
  gateway: number;
  okta: number;
  box: number;
  provisioners: number[];
}

/** The settings that the parts of one stack share. */
export interface Wiring {
  ports: Ports;
  databaseUrl: string;
  redisUrl?: string;
  sessionSecret: string;
}

const CLIENT = { id: 'twin-okta-client', secret: 'twin-okta-secret' };
const BOX = { id: 'twin-box-client', secret: 'twin-box-secret', enterprise: '900100' };

const oktaUrl = (ports: Ports): string => `http://127.0.0.1:${ports.okta}`;
const gatewayUrl = (ports: Ports): string => `http://localhost:${ports.gateway}`;

export function oktaEnvironment(ports: Ports): Record<string, string> {
  return {
    OKTA_TWIN_HOST: '127.0.0.1',
    OKTA_TWIN_PORT: String(ports.okta),
    OKTA_TWIN_ISSUER: oktaUrl(ports),
    OKTA_TWIN_CLIENT_ID: CLIENT.id,
    OKTA_TWIN_CLIENT_SECRET: CLIENT.secret,
    OKTA_TWIN_REDIRECT_URIS: `${gatewayUrl(ports)}/authorization-code/callback`,
    OKTA_TWIN_POST_LOGOUT_REDIRECT_URIS: `${gatewayUrl(ports)}/`,
  };
}

export function boxEnvironment(ports: Ports): Record<string, string> {
  return {
    BOX_TWIN_HOST: '127.0.0.1',
    BOX_TWIN_PORT: String(ports.box),
    BOX_TWIN_CLIENT_ID: BOX.id,
    BOX_TWIN_CLIENT_SECRET: BOX.secret,
    BOX_TWIN_ENTERPRISE_ID: BOX.enterprise,
  };
}

export function gatewayEnvironment(wiring: Wiring): Record<string, string> {
  return {
    ...common(wiring),
    FOYER_ENV: 'development',
    FOYER_BASE_URL: gatewayUrl(wiring.ports),
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_PORT: String(wiring.ports.gateway),
    OKTA_ISSUER_URI: oktaUrl(wiring.ports),
    OKTA_CLIENT_ID: CLIENT.id,
    OKTA_CLIENT_SECRET: CLIENT.secret,
    SESSION_SECRET: wiring.sessionSecret,
  };
}

export function provisionerEnvironment(wiring: Wiring, port: number): Record<string, string> {
  return { ...common(wiring), PROVISIONER_HOST: '127.0.0.1', PROVISIONER_PORT: String(port) };
}

function common({ ports, databaseUrl, redisUrl }: Wiring): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    BOX_BASE_URL: `http://127.0.0.1:${ports.box}`,
    BOX_CLIENT_ID: BOX.id,
    BOX_CLIENT_SECRET: BOX.secret,
    BOX_ENTERPRISE_ID: BOX.enterprise,
  };
}
