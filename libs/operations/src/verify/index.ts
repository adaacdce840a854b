export { VERIFY_STATEMENT_MS } from '@foyer/persistence';
export { meaningOf, type DiscrepancyMeaning } from './meaning.ts';
export {
  verifyTenant,
  type Verification,
  type VerifiedRun,
  type VerifyOptions,
  type VerifySources,
} from './verify.ts';
