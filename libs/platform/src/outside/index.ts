export {
  askOutside,
  NoAnswer,
  OUTSIDE_MAX_BYTES,
  OUTSIDE_TIMEOUT_MS,
  waitOf,
  type OutsideAnswer,
} from './ask.ts';
export { clockProblem, type ClockReading } from './clock.ts';
export { apiIssuer, inspectIssuer, signInIssuer, type IssuerInspection } from './inspect.ts';
export {
  ApiMetadata,
  isBusy,
  Issuer,
  SignInMetadata,
  type IssuerOptions,
  type IssuerState,
  type KnownIssuer,
} from './issuer.ts';
