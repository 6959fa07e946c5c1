import { FlowpactError } from './errors.ts';
import type { Operation, ResponseContent, Wire } from './operation.ts';

/** What one call gave: the result, what the envelope said beside it, and the raw answer. */
export interface Result<Data> {
  readonly data: Data;
  /** The envelope, without the result; undefined where the answer had none. */
  readonly envelope: Readonly<Record<string, unknown>> | undefined;
  readonly response: Response;
  readonly requestId: string | undefined;
}

/** Reads a success answer as the contract declares its media type. The body of `response` is used up. */
export async function readResult(response: Response, operation: Operation, wire: Wire): Promise<Result<unknown>> {
  const requestId = response.headers.get(wire.requestIdHeader) ?? undefined;
  if (response.status === 204) return { data: undefined, envelope: undefined, response, requestId };
  const content = contentOf(response, operation);
  if (content.kind === 'binary') return { data: await response.blob(), envelope: undefined, response, requestId };
  const text = await response.text();
  if (content.kind !== 'json') return { data: text, envelope: undefined, response, requestId };
  const body = text === '' ? undefined : parseJson(text, operation);
  if (!content.envelope || typeof body !== 'object' || body === null) {
    return { data: body, envelope: undefined, response, requestId };
  }
  const { [wire.envelope.data]: data, ...envelope } = body as Record<string, unknown>;
  return { data, envelope, response, requestId };
}

/** `application/json` of `Application/JSON; charset=utf-8`. */
export function mediaTypeOf(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

function contentOf(response: Response, operation: Operation): ResponseContent {
  const mediaType = mediaTypeOf(response);
  const declared = operation.responses[mediaType];
  if (declared !== undefined) return declared;
  return { kind: /[/+]json$/.test(mediaType) ? 'json' : 'text', envelope: false };
}

/** Throws a `FlowpactError` where the text is no JSON. */
export function parseJson(text: string, operation: Operation): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FlowpactError(`${operation.id}: the server answered with JSON that cannot be parsed`, { cause: error });
  }
}
