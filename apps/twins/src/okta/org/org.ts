import { AccessTokens } from '../provider/access-tokens.ts';
import { Calls } from '../calls.ts';
import { type OktaTwinConfig } from '../config.ts';
import { Faults } from '../control/faults.ts';
import { Groups } from './groups.ts';
import { KeyRing } from '../provider/keys.ts';
import { oktaId, People } from './people.ts';
import { PushedRequests } from '../provider/pushed-requests.ts';
import { type ScimApp } from '../scim/app.ts';
import { SEEDED_PEOPLE } from './seed.ts';
import { DEFAULT_SETTINGS, type Settings } from '../settings.ts';

/** All state of one twin: everything that a real org would store, and the switches of the control address. */
export class Org {
  readonly config: OktaTwinConfig;
  /** Public origin; the org server's issuer. */
  readonly issuer: string;
  /** The `idp` claim of everyone who signs in with a password: the org's own id. */
  readonly id = oktaId('00o');
  readonly people = new People(SEEDED_PEOPLE);
  readonly groups = new Groups(this.people);
  readonly faults = new Faults();
  readonly calls = new Calls();
  readonly pushedRequests = new PushedRequests();
  readonly keys: KeyRing;
  readonly customKeys: KeyRing;
  readonly accessTokens: AccessTokens;
  /** The web app's provisioning, once it is configured. */
  scim: ScimApp | undefined;
  settings: Settings = { ...DEFAULT_SETTINGS };

  private constructor(
    config: OktaTwinConfig,
    issuer: string,
    made: { keys: KeyRing; customKeys: KeyRing; accessTokens: AccessTokens },
  ) {
    this.config = config;
    this.issuer = issuer;
    this.keys = made.keys;
    this.customKeys = made.customKeys;
    this.accessTokens = made.accessTokens;
  }

  static async make(config: OktaTwinConfig, issuer: string): Promise<Org> {
    const [keys, customKeys, accessTokens] = await Promise.all([
      KeyRing.make(),
      KeyRing.make(),
      AccessTokens.make(issuer),
    ]);
    return new Org(config, issuer, { keys, customKeys, accessTokens });
  }

  /** Issuer of the custom server 'default'. */
  get customIssuer(): string {
    return `${this.issuer}/oauth2/default`;
  }

  /**
   * Resets to the seeded people and Okta's own settings, without faults, calls or provisioning. Keys and sessions are
   * kept.
   */
  reset(): void {
    this.scim?.stop();
    this.scim = undefined;
    this.people.reset();
    this.groups.reset();
    this.faults.clear();
    this.calls.clear();
    this.settings = { ...DEFAULT_SETTINGS };
  }
}
