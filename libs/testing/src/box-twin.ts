import { Twin } from './twin.ts';

/** A call as the Box twin saw it. */
export interface TwinCall {
  readonly seq: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly asUser: string | null;
  readonly status: number | null;
}

/** A Box twin in a process of its own, and the credentials of its app. */
export class BoxTwin {
  readonly url: string;
  readonly auth = {
    kind: 'ccg',
    clientId: 'twin-box-client',
    clientSecret: 'twin-box-secret',
    enterpriseId: '900100',
  } as const;
  readonly control: Twin['control'];
  readonly stop: Twin['stop'];

  private constructor(twin: Twin) {
    this.url = twin.url;
    this.control = twin.control.bind(twin);
    this.stop = twin.stop;
  }

  /** Starts one on a free port, without a rate limit unless one is set later. */
  static async start(): Promise<BoxTwin> {
    return new BoxTwin(await Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' }));
  }

  /** The calls that the twin received, in order. */
  async calls(): Promise<readonly TwinCall[]> {
    const { calls } = await this.control<{ calls: TwinCall[] }>('GET', 'calls');
    return calls;
  }
}
