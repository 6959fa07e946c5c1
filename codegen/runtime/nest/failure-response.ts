import { HttpException } from '@nestjs/common';

import type { OperationDescriptor } from './contract.ts';
import { defaultStatus, RequestFailure, type Failure, type FailureKind, type FieldError } from './failure.ts';

/** The contract's code for each kind. */
export type Codes = Readonly<Partial<Record<FailureKind, string>>>;

/** How an error ends a request: a declared code has its status, anything unknown is the `internal` kind. */
export function toFailure(error: unknown, operation: OperationDescriptor | undefined, codes: Codes): Failure {
  if (error instanceof RequestFailure) {
    const { kind, message, details, headers } = error;
    return { ...coded(kind, operation, codes), kind, message, details, headers, cause: error.cause ?? error };
  }
  const declared = declaredFailure(error, operation);
  if (declared !== undefined) return declared;
  if (error instanceof HttpException) return httpFailure(error, operation, codes);
  return internalFailure(error, operation, codes);
}

/** The answer to what nobody foresaw: says nothing of the cause. */
export function internalFailure(cause: unknown, operation: OperationDescriptor | undefined, codes: Codes): Failure {
  const message = 'An unexpected error occurred.';
  return { ...coded('internal', operation, codes), kind: 'internal', message, details: {}, headers: {}, cause };
}

function coded(
  kind: FailureKind,
  operation: OperationDescriptor | undefined,
  codes: Codes,
): { code: string; status: number } {
  const code = codes[kind] ?? kind;
  return { code, status: statusOf(code, operation) ?? defaultStatus[kind] };
}

function statusOf(code: string, operation: OperationDescriptor | undefined): number | undefined {
  return operation !== undefined && Object.hasOwn(operation.errors, code) ? operation.errors[code] : undefined;
}

/** An error of the application: it has a code that the operation declares, and no status. */
function declaredFailure(error: unknown, operation: OperationDescriptor | undefined): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, details, headers } = error as Error & { code?: unknown; details?: unknown; headers?: unknown };
  if (typeof code !== 'string') return undefined;
  const status = statusOf(code, operation);
  if (status === undefined) return undefined;
  return {
    kind: undefined,
    status,
    code,
    message: error.message,
    details: isRecord(details) ? details : {},
    headers: isRecord(headers) ? (headers as Record<string, string>) : {},
    cause: error,
  };
}

const kindByStatus: Readonly<Record<number, FailureKind>> = {
  400: 'validation',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  409: 'conflict',
  413: 'payload_too_large',
  414: 'not_found',
  415: 'unsupported_media_type',
  422: 'validation',
  429: 'rate_limited',
  503: 'unavailable',
};

/** An exception of Nest, thrown by a guard or pipe of the application or by the platform adapter. */
function httpFailure(error: HttpException, operation: OperationDescriptor | undefined, codes: Codes): Failure {
  const status = error.getStatus();
  const named = error.errorCode;
  const kind = kindByStatus[status];
  if (status >= 500 && kind === undefined) return internalFailure(error, operation, codes);
  const details = kind === 'validation' ? { errors: fieldErrorsOf(error) } : {};
  const { message } = error;
  if (named !== undefined && statusOf(named, operation) !== undefined) {
    return { kind, status: statusOf(named, operation)!, code: named, message, details, headers: {}, cause: error };
  }
  const code = kind === undefined ? `http_${status}` : (codes[kind] ?? kind);
  const declared = kind === undefined ? undefined : statusOf(code, operation);
  // A path that is too long for the router names nothing that exists.
  return {
    kind,
    status: declared ?? (status === 414 ? 404 : status),
    code,
    message,
    details,
    headers: {},
    cause: error,
  };
}

/** The messages that Nest's ValidationPipe and parsing errors carry. */
function fieldErrorsOf(error: HttpException): readonly FieldError[] {
  const response = error.getResponse();
  const messages = isRecord(response) ? response['message'] : undefined;
  const list = Array.isArray(messages) ? messages : [error.message];
  return list.map((message) => ({ field: '', message: String(message), location: 'body' }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
