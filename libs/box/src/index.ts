export { createBox, type Box } from './box.ts';
export { BoxConfigError, parseJwtConfig, type JwtSettings } from './jwt-config.ts';
export {
  boxAppOf,
  type BoxApp,
  type BoxAuth,
  type BoxCallReport,
  type BoxOperation,
  type BoxOptions,
} from './options.ts';
