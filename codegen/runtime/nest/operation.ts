import type { OperationDescriptor } from './contract.ts';
import { bindOperation } from './operation-binding.ts';
import { OperationResponse, type ResponseHeaders } from './response.ts';

/** The variants of a status-tagged union that a status selects. */
export type ResponseOf<Response, Status> = Response extends { readonly status: infer Declared }
  ? Status extends Declared
    ? Response
    : never
  : never;

type StatusOf<Response> = Response extends { readonly status: infer Status } ? Status : never;
type MediaTypeOf<Variant> = Variant extends { readonly contentType?: infer Type } ? NonNullable<Type> : never;
type OfMediaType<Variant, Type> = Variant extends { readonly contentType?: infer Declared }
  ? Type extends Declared
    ? Variant
    : never
  : never;
/** Variants that need no word about their media type, because their status has one only. */
type WithoutMediaType<Variant> = Variant extends { readonly contentType: string } ? never : Variant;
type BodyOf<Variant> = Variant extends { readonly body?: infer Body } ? Body : undefined;
type HeadersOf<Variant> = Variant extends { readonly headers?: infer Headers } ? Headers : undefined;
type RequiresHeaders<Variant> = Variant extends { readonly headers: object } ? true : false;

/** Body and headers as far as the variant has them; headers are optional unless the contract requires one. */
type BodyAndHeaders<Variant> = [Variant] extends [never]
  ? [never]
  : true extends RequiresHeaders<Variant>
    ? [body: BodyOf<Variant>, headers: HeadersOf<Variant>]
    : undefined extends BodyOf<Variant>
      ? [body?: BodyOf<Variant>, headers?: HeadersOf<Variant>]
      : [body: BodyOf<Variant>, headers?: HeadersOf<Variant>];

/** A response under construction. */
export type Built<Response, Variant> = Variant & {
  /**
   * Lets the operation answer with something that only exists after its idempotency transaction has ended: the response
   * built so far is what is stored and replayed, the one that `answer` resolves to is what this client gets.
   */
  whenCommitted(answer: () => Promise<Response>): Variant;
};

/** The decorator of one operation, for the application's own controller method, and what belongs to it. */
export interface Operation<Request, Response> {
  /**
   * Binds a controller method: route, checks, the validated request as first parameter and the encoding of what it returns.
   * Parameters after the first are free for Nest's parameter decorators.
   */
  (): <Method extends (request: Request, ...rest: never[]) => Promise<Response>>(
    prototype: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<Method>,
  ) => void;
  readonly descriptor: OperationDescriptor;
  /** Builds a response of a status that has one media type or no body. */
  respond<const Status extends StatusOf<Response>>(
    status: Status,
    ...rest: BodyAndHeaders<WithoutMediaType<ResponseOf<Response, Status>>>
  ): Built<Response, WithoutMediaType<ResponseOf<Response, Status>>>;
  /** Builds a response of a status that has several media types. */
  respondAs<const Status extends StatusOf<Response>, const Type extends MediaTypeOf<ResponseOf<Response, Status>>>(
    status: Status,
    contentType: Type,
    ...rest: BodyAndHeaders<OfMediaType<ResponseOf<Response, Status>, Type>>
  ): Built<Response, OfMediaType<ResponseOf<Response, Status>, Type>>;
}

/** Makes the decorator of an operation; called by generated code, with the types that it generated. */
export function defineOperation<Request, Response>(descriptor: OperationDescriptor): Operation<Request, Response> {
  const operation = () => (prototype: object, name: string | symbol, method: PropertyDescriptor) =>
    bindOperation(descriptor, prototype, name, method);
  const members = {
    descriptor,
    respond: (status: number, body?: unknown, headers?: ResponseHeaders) =>
      new OperationResponse(status, undefined, body, headers),
    respondAs: (status: number, contentType: string, body?: unknown, headers?: ResponseHeaders) =>
      new OperationResponse(status, contentType, body, headers),
  };
  return Object.assign(operation, members) as unknown as Operation<Request, Response>;
}
