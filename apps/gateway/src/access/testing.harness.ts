import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
} from 'jose';

export const audience = 'api://foyer';

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

async function makeKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}

/** An authorization server that signs whatever a test asks for, and can be taken offline. */
export class KeyServer {
  readonly issuer: string;
  /** The requested paths, in order. */
  readonly asked: string[] = [];
  down = false;
  /** Overrides fields of the metadata with wrong values. */
  metadata: Record<string, unknown> = {};
  private readonly server: Server;
  private published: SigningKey[];
  private current: SigningKey;

  private constructor(server: Server, key: SigningKey) {
    this.server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/default`;
    this.current = key;
    this.published = [key];
  }

  static async start(): Promise<KeyServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const keys = new KeyServer(server, await makeKey());
    server.on('request', (req, res) => {
      keys.asked.push(req.url ?? '');
      res.setHeader('content-type', 'application/json');
      if (keys.down) res.writeHead(503).end('{}');
      else if (req.url?.endsWith('/keys'))
        res.end(JSON.stringify({ keys: keys.published.map((key) => key.publicJwk) }));
      else
        res.end(
          JSON.stringify({ issuer: keys.issuer, jwks_uri: `${keys.issuer}/v1/keys`, ...keys.metadata }),
        );
    });
    return keys;
  }

  get keysAsked(): number {
    return this.asked.filter((path) => path.endsWith('/keys')).length;
  }

  /** From now on another key signs; the old one stays published. */
  async rotate(): Promise<void> {
    this.current = await makeKey();
    this.published.push(this.current);
  }

  /** The claims of a valid token, for tests to invalidate. */
  claims(
    scopes: readonly string[] = ['foyer.read', 'foyer.write', 'foyer.audit'],
    client = 'test-client',
  ): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    return {
      ver: 1,
      jti: `AT.${randomUUID()}`,
      iss: this.issuer,
      aud: audience,
      iat: now,
      exp: now + 3600,
      cid: client,
      scp: [...scopes],
      sub: client,
    };
  }

  sign(
    claims: JWTPayload,
    header: Partial<JWTHeaderParameters> = {},
    key: CryptoKey = this.current.privateKey,
  ): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: this.current.kid, ...header })
      .sign(key);
  }

  token(scopes?: readonly string[], client?: string): Promise<string> {
    return this.sign(this.claims(scopes, client));
  }

  get privateKey(): CryptoKey {
    return this.current.privateKey;
  }

  get publicJwk(): JWK {
    return this.current.publicJwk;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
