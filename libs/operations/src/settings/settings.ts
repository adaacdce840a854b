import { settingsFaults, type Environment } from '@foyer/platform';

export interface SettingsOptions {
  /** The variables; the default is the process's own. */
  readonly environment?: Environment;
  /** Also checks the variables that only docker-compose.yml needs. */
  readonly compose: boolean;
}

export interface SettingsReport {
  readonly isComplete: boolean;
  /** One sentence for each variable that is missing or wrong, with its name and an example. No secret is in them. */
  readonly faults: readonly string[];
}

/** Checks the variables of gateway and provisioner. Opens, calls and changes nothing. */
export function checkSettings({ environment, compose }: SettingsOptions): SettingsReport {
  const faults = settingsFaults(environment, { compose });
  return { isComplete: faults.length === 0, faults };
}
