export { checkSettings, type SettingsOptions, type SettingsReport } from './settings.ts';
