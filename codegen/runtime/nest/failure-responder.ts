import type { ContractDescriptor, OperationDescriptor } from './contract.ts';
import type { Failure } from './failure.ts';
import { internalFailure, toFailure, type Codes } from './failure-response.ts';
import { Negotiator, negotiateError } from './media-type.ts';
import type { ErrorFormat, RuntimeObserver } from './ports.ts';
import type { RequestContext } from './request-context.ts';
import { InvalidResponseError, setHeaders, type ResponseEncoder } from './response-encoder.ts';
import { challenge } from './security.ts';

/** Answers requests of one contract that end in an error, in the contract's shape. */
export class FailureResponder {
  private readonly contract: ContractDescriptor;
  private readonly format: ErrorFormat;
  private readonly codes: Codes;
  private readonly realm: string;
  private readonly observer: Required<RuntimeObserver>;
  private readonly translate: (error: unknown) => unknown;
  private readonly negotiator: Negotiator;

  constructor(
    contract: ContractDescriptor,
    format: ErrorFormat,
    codes: Codes,
    realm: string,
    observer: Required<RuntimeObserver>,
    translate: (error: unknown) => unknown = (error) => error,
  ) {
    this.contract = contract;
    this.format = format;
    this.codes = codes;
    this.realm = realm;
    this.observer = observer;
    this.translate = translate;
    this.negotiator = new Negotiator(Object.keys(format.bodies), negotiateError);
  }

  /** Answers with what the error means for this operation. Does nothing when a response is already on its way. */
  fail(context: RequestContext, error: unknown, encoder?: ResponseEncoder): void {
    const failure = toFailure(this.translate(error), context.operation, this.codes);
    if (failure.kind === 'internal') this.observer.unexpectedError(failure.cause, context);
    const { reply } = context;
    if (reply.sent || reply.raw.headersSent) {
      // Half a response cannot be taken back, only cut off.
      if (!reply.raw.writableEnded) reply.raw.destroy();
      return;
    }
    this.send(context, failure, encoder);
  }

  private send(context: RequestContext, failure: Failure, encoder: ResponseEncoder | undefined): void {
    this.observer.failure(failure, context);
    const { reply } = context;
    setHeaders(reply, this.headersOf(failure, context.operation));
    const contentType = this.negotiator.choose(context.request.headers.accept) ?? this.negotiator.available[0]!;
    const body = this.format.bodies[contentType]!(failure, context);
    let text: string | undefined;
    if (encoder !== undefined && isDeclared(context.operation!, failure.status, contentType)) {
      try {
        text = encoder.encode(context, { status: failure.status, contentType, body }) as string;
      } catch (error) {
        if (!(error instanceof InvalidResponseError)) throw error;
        if (failure.kind !== 'internal') {
          this.observer.unexpectedError(error, context);
          this.send(context, internalFailure(error, context.operation, this.codes), encoder);
          return;
        }
      }
    }
    reply.code(failure.status);
    reply.header('content-type', `${contentType}; charset=utf-8`);
    reply.send(text ?? JSON.stringify(body));
  }

  private headersOf(failure: Failure, operation: OperationDescriptor | undefined): Record<string, string> {
    const headers: Record<string, string> = { ...failure.headers };
    if (failure.status === 401 && !hasHeader(headers, 'www-authenticate')) {
      headers['WWW-Authenticate'] = challenge(this.contract, operation, this.realm);
    }
    return headers;
  }
}

function hasHeader(headers: Readonly<Record<string, string>>, lowerCaseName: string): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === lowerCaseName);
}

function isDeclared({ responses }: OperationDescriptor, status: number, contentType: string): boolean {
  const declared = responses[String(status)] ?? responses[`${Math.trunc(status / 100)}XX`] ?? responses['default'];
  return declared !== undefined && Object.hasOwn(declared.content, contentType);
}
