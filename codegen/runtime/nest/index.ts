/**
 * The library behind generated code, for NestJS on Fastify. It knows contracts only through their descriptors.
 *
 * - Generated code calls `defineOperation`; its result is the decorator of a controller method.
 * - An application imports `ContractModule.forRoot(...)` once and implements the ports: `Authenticator` per security scheme,
 *   `RateLimiter`, `IdempotencyStore`, an `ErrorFormat` per contract.
 * - `contextOf(request)`, `principalOf(request)` and `parseCookies(header)` are for the application's own parameter decorators.
 */
export { BootCheckError } from './boot-check.ts';
export type * from './contract.ts';
export { ContractModule, type ContractModuleAsyncOptions } from './contract.module.ts';
export {
  defaultStatus,
  RequestFailure,
  type Failure,
  type FailureDetails,
  type FailureKind,
  type FieldError,
} from './failure.ts';
export { defineOperation, type Built, type Operation, type ResponseOf } from './operation.ts';
export { hasMoreNames } from './json-names.ts';
export { isLarge, jsonPieces, JsonText, LateJson, streamJson } from './json-pieces.ts';
export type { ContractModuleOptions } from './options.ts';
export type * from './ports.ts';
export { parseCookies } from './parameters.ts';
export {
  contextOf,
  findContext,
  findPrincipal,
  principalOf,
  RequestContext,
  type OperationRequest,
} from './request-context.ts';
export {
  OperationResponse,
  type BinaryBody,
  type EventStream,
  type ResponseHeaders,
  type ServerSentEvent,
  type TextStream,
} from './response.ts';
