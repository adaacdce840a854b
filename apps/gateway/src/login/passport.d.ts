/** Only what is used here: the packages have no types. */
declare module 'passport' {
  interface Passport {
    use(name: string, strategy: object): void;
  }
  const passport: Passport;
  export default passport;
}

declare module 'passport-openidconnect' {
  import type { Request } from 'express';

  interface Options {
    readonly issuer: string;
    readonly authorizationURL: string;
    readonly tokenURL: string;
    readonly clientID: string;
    readonly clientSecret: string;
    readonly callbackURL: string;
    readonly scope: readonly string[];
    readonly nonce: boolean;
    readonly store: StateStore;
  }

  interface StateStore {
    /** Stores what the callback will need; `done` receives the `state` parameter of the authorization request. */
    store(
      req: Request,
      context: { readonly nonce?: string },
      appState: unknown,
      meta: unknown,
      done: (error: unknown, handle?: string) => void,
    ): void;
  }

  class Strategy {
    constructor(options: Options, verify: () => void);
    protected _oauth2: { _authorizeUrl: string };
    authenticate(req: Request, options?: object): void;
    protected authorizationParams(options: object): Record<string, string>;
    /** Added by passport to each request's own copy. */
    protected success(user: object): void;
    protected error(error: unknown): void;
  }

  export default Strategy;
}
