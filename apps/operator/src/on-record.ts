export { commandChange, commandIntent, commandOutcome } from '@foyer/operations';
