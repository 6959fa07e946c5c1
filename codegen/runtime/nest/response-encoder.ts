import { Readable } from 'node:stream';

import type { OperationDescriptor, ResponseDescriptor, ResponseMediaDescriptor, Validator } from './contract.ts';
import { encodeEvent, EventStreamBody } from './event-stream.ts';
import { isLarge, isLate, streamJson } from './json-pieces.ts';
import { essence, findMediaType, negotiate } from './media-type.ts';
import type { ContractBinding, MediaTypeCodec, StoredResponse } from './ports.ts';
import type { RequestContext } from './request-context.ts';
import type { ResponseHeaders, ServerSentEvent } from './response.ts';
import { describeIssues } from './validation-messages.ts';

/** What goes to the wire. */
export type Payload = string | Buffer | Readable | undefined;

/** A response does not match the contract: a fault of the application. */
export class InvalidResponseError extends Error {
  readonly problems: readonly string[];

  constructor(operation: string, problems: readonly string[]) {
    super(`The response of ${operation} does not match its contract: ${problems.join('; ')}.`);
    this.name = 'InvalidResponseError';
    this.problems = problems;
  }
}

export interface EncoderOptions {
  readonly validation: 'throw' | 'log' | 'off';
  /** In `log` mode, of how many responses of a status one is checked. */
  readonly checkEvery: number;
  readonly supply: NonNullable<ContractBinding['supply']>;
  readonly codecs: Readonly<Record<string, MediaTypeCodec>>;
  readonly keepAlive: number;
  /** Lower-case names of headers that only the runtime sets. */
  readonly onInvalid: (problems: readonly string[], context: RequestContext) => void;
  readonly onStream: (stream: EventStreamBody) => void;
}

interface MediaPlan {
  readonly mediaType: string;
  /** The value of `Content-Type`. */
  readonly contentType: string;
  readonly kind: ResponseMediaDescriptor['kind'];
  readonly project: ResponseMediaDescriptor['project'];
  readonly validate: Validator | undefined;
  readonly supplied: readonly (readonly [name: string, value: (context: RequestContext) => unknown])[];
  readonly encode: MediaTypeCodec['encode'];
}

interface StatusPlan {
  readonly headers: ReadonlyMap<string, { readonly required: boolean; readonly validate: Validator | undefined }>;
  readonly requiredHeaders: readonly string[];
  readonly media: readonly MediaPlan[];
  /** How many responses until the next one is checked. */
  unchecked: number;
}

interface Result {
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly body?: unknown;
  readonly headers?: ResponseHeaders | undefined;
}

/** Writes the responses of one operation: reduced to what the contract declares, checked, encoded. */
export class ResponseEncoder {
  private readonly operation: OperationDescriptor;
  private readonly options: EncoderOptions;
  private readonly plans = new Map<number, StatusPlan | undefined>();

  constructor(operation: OperationDescriptor, options: EncoderOptions) {
    this.operation = operation;
    this.options = options;
  }

  /**
   * Sets status and headers on the context's reply and gives the body.
   * @throws InvalidResponseError in `throw` mode, and in every mode for a status or media type that is not declared.
   */
  encode(context: RequestContext, value: unknown): Payload {
    const result = asResult(value, this.operation.id);
    const plan = this.planFor(result.status);
    if (plan === undefined) {
      throw new InvalidResponseError(this.operation.id, [`status ${result.status} is not declared`]);
    }
    const { reply } = context;
    const problems: string[] | undefined = this.isChecked(plan) ? [] : undefined;
    // Before anything is set on the reply, so that an error response begins with a clean one.
    const media = this.mediaFor(plan, result, context);
    const payload =
      media === undefined ? noBody(result, problems) : this.encodeBody(media, result.body, context, problems);
    if (problems !== undefined) checkHeaders(plan, result.headers, context, problems);
    if (problems !== undefined && problems.length > 0) this.report(problems, context);

    reply.code(result.status);
    if (result.headers !== undefined) setHeaders(reply, result.headers);
    if (media !== undefined) reply.header('content-type', media.contentType);
    if (payload instanceof Readable && context.request.method === 'HEAD') {
      payload.destroy();
      return undefined;
    }
    return payload;
  }

  /**
   * The response as an idempotency store keeps it: JSON, without what the runtime supplies.
   * @throws InvalidResponseError as `encode` does, and for a body that is not JSON.
   */
  toStored(context: RequestContext, value: unknown): StoredResponse {
    const result = asResult(value, this.operation.id);
    const plan = this.planFor(result.status);
    if (plan === undefined) {
      throw new InvalidResponseError(this.operation.id, [`status ${result.status} is not declared`]);
    }
    const media = this.mediaFor(plan, result, context);
    if (media !== undefined && media.kind !== 'json' && media.kind !== 'encoded' && typeof result.body !== 'string') {
      throw new InvalidResponseError(this.operation.id, [
        `a ${media.mediaType} body cannot be stored for a repetition`,
      ]);
    }
    const headers: Record<string, string | number | readonly string[]> = {};
    for (const [name, header] of Object.entries(result.headers ?? {})) {
      if (header !== undefined) headers[name] = typeof header === 'boolean' ? String(header) : header;
    }
    const body = media?.project === undefined ? result.body : media.project(result.body);
    return {
      status: result.status,
      contentType: media?.mediaType,
      headers,
      body: body === undefined ? null : (JSON.parse(JSON.stringify(body)) as unknown),
    };
  }

  private isChecked(plan: StatusPlan): boolean {
    const { validation, checkEvery } = this.options;
    if (validation !== 'log') return validation === 'throw';
    plan.unchecked -= 1;
    if (plan.unchecked >= 0) return false;
    plan.unchecked = checkEvery - 1;
    return true;
  }

  private report(problems: readonly string[], context: RequestContext): void {
    this.options.onInvalid(problems, context);
    if (this.options.validation === 'throw') throw new InvalidResponseError(this.operation.id, problems);
  }

  private planFor(status: number): StatusPlan | undefined {
    if (this.plans.has(status)) return this.plans.get(status);
    const { responses } = this.operation;
    const declared = responses[String(status)] ?? responses[`${Math.trunc(status / 100)}XX`] ?? responses['default'];
    const plan = declared === undefined ? undefined : this.plan(declared);
    this.plans.set(status, plan);
    return plan;
  }

  private plan({ headers, content }: ResponseDescriptor): StatusPlan {
    const entries = Object.entries(headers).map(
      ([name, { required, validate }]) => [name.toLowerCase(), { required, validate }] as const,
    );
    return {
      headers: new Map(entries),
      requiredHeaders: entries.filter(([, { required }]) => required).map(([name]) => name),
      unchecked: 0,
      media: Object.entries(content).map(([mediaType, { kind, project, validate, supplied }]) => ({
        mediaType,
        contentType: contentTypeOf(mediaType, kind),
        kind,
        project,
        validate,
        supplied: (supplied ?? []).flatMap((name) => {
          const value = this.options.supply[name];
          return value === undefined ? [] : [[name, value] as const];
        }),
        encode: this.options.codecs[essence(mediaType)]?.encode,
      })),
    };
  }

  private mediaFor(plan: StatusPlan, result: Result, context: RequestContext): MediaPlan | undefined {
    const { media } = plan;
    if (result.contentType === undefined) {
      if (media.length < 2) return media[0];
      const chosen = negotiate(
        context.request.headers.accept,
        media.map(({ mediaType }) => mediaType),
      );
      return media.find(({ mediaType }) => mediaType === chosen) ?? media[0];
    }
    const { contentType } = result;
    const declared = findMediaType(
      media.map(({ mediaType }) => mediaType),
      contentType,
    );
    const found = media.find(({ mediaType }) => mediaType === declared);
    if (found === undefined) {
      throw new InvalidResponseError(this.operation.id, [
        `media type ${contentType} is not declared for status ${result.status}`,
      ]);
    }
    // A declared range (`image/*`) leaves the concrete type to the handler.
    return found.mediaType.includes('*') ? { ...found, mediaType: contentType, contentType } : found;
  }

  private encodeBody(
    media: MediaPlan,
    body: unknown,
    context: RequestContext,
    problems: string[] | undefined,
  ): Payload {
    if (media.kind === 'json') return encodeJson(media, body, context, problems, this.options.validation === 'throw');
    if (media.kind === 'encoded')
      return encodeText(media, body, context, problems, this.options.validation === 'throw');
    if (media.kind === 'event-stream' && isIterable(body)) return this.encodeEvents(media, body, context);
    if (typeof body === 'string') {
      check(media.validate, body, problems);
      return body;
    }
    if (body instanceof Uint8Array)
      return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (body instanceof Readable) return body;
    if (body instanceof ReadableStream) return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    if (body instanceof Blob) return Readable.fromWeb(body.stream() as Parameters<typeof Readable.fromWeb>[0]);
    if (isIterable(body)) return Readable.from(body);
    throw new InvalidResponseError(this.operation.id, [`a ${media.mediaType} body cannot be made of ${typeof body}`]);
  }

  private encodeEvents(
    media: MediaPlan,
    body: AsyncIterable<unknown> | Iterable<unknown>,
    context: RequestContext,
  ): Payload {
    const { validation } = this.options;
    const stream = new EventStreamBody(body as AsyncIterable<ServerSentEvent>, this.options.keepAlive, (event) => {
      const dropped: string[] = [];
      const data = media.project === undefined ? event.data : media.project(event.data, dropped);
      if (validation !== 'off') {
        const problems = validation === 'throw' ? dropped.map(undeclared) : [];
        // What is large is of the users' making, and looking through it would hold up everybody else.
        if (validation === 'throw' || !isLarge(data)) check(media.validate, data, problems);
        if (problems.length > 0) this.report(problems, context);
      }
      return encodeEvent({ ...event, data });
    });
    // `no-transform`: a proxy that compresses holds events back until its buffer is full.
    context.reply.header('cache-control', 'no-cache, no-transform');
    // nginx buffers responses otherwise.
    context.reply.header('x-accel-buffering', 'no');
    this.options.onStream(stream);
    return stream;
  }
}

function asResult(value: unknown, operation: string): Result {
  const status = (value as Partial<Result> | null | undefined)?.status;
  if (typeof status !== 'number') {
    throw new InvalidResponseError(operation, ['the handler returned no response: use respond() of its operation']);
  }
  if (!(status >= 200 && status < 600))
    throw new InvalidResponseError(operation, [`${status} is not the status of a final response`]);
  return value as Result;
}

const undeclared = (path: string) => `${path} is not declared`;

function prepare(
  media: MediaPlan,
  body: unknown,
  context: RequestContext,
  problems: string[] | undefined,
  strict: boolean,
): unknown {
  const dropped: string[] | undefined = strict && problems !== undefined ? [] : undefined;
  let value = media.project === undefined ? body : media.project(body, dropped);
  if (dropped !== undefined && dropped.length > 0) problems!.push(...dropped.map(undeclared));
  if (media.supplied.length > 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if (value === body) value = { ...(value as object) };
    const object = value as Record<string, unknown>;
    for (const [name, supply] of media.supplied) object[name] ??= supply(context);
  }
  return value;
}

function encodeJson(
  media: MediaPlan,
  body: unknown,
  context: RequestContext,
  problems: string[] | undefined,
  strict: boolean,
): string | Readable {
  const value = prepare(media, body, context, problems, strict);
  if (isLarge(value)) {
    // What is large is of the users' making, and looking through it would hold up everybody else.
    if (strict && problems !== undefined && media.validate !== undefined && !isLate(value))
      checkJson(media.validate, value, problems);
    return streamJson(value);
  }
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    problems?.push('the body is missing');
    return '';
  }
  if (problems !== undefined && media.validate !== undefined) checkJson(media.validate, value, problems, text);
  return text;
}

/** The value itself first, which is cheap; what it writes of itself (a Date) is known from its text only. */
function checkJson(validate: Validator, value: unknown, problems: string[], text?: string): void {
  if (validate(value) || validate(JSON.parse(text ?? JSON.stringify(value)))) return;
  problems.push(...describeIssues(validate.errors));
}

function encodeText(
  media: MediaPlan,
  body: unknown,
  context: RequestContext,
  problems: string[] | undefined,
  strict: boolean,
): string {
  const value = prepare(media, body, context, problems, strict);
  check(media.validate, value, problems);
  // The boot check sees to it that there is a codec.
  return media.encode!(value);
}

function check(validate: Validator | undefined, value: unknown, problems: string[] | undefined): void {
  if (problems !== undefined && validate !== undefined && !validate(value))
    problems.push(...describeIssues(validate.errors));
}

function noBody(result: Result, problems: string[] | undefined): undefined {
  if (result.body !== undefined && result.body !== null) problems?.push(`status ${result.status} has no body`);
}

function checkHeaders(
  plan: StatusPlan,
  headers: ResponseHeaders | undefined,
  { reply }: RequestContext,
  problems: string[],
): void {
  for (const name in headers) {
    const value = headers[name];
    const declared = plan.headers.get(name.toLowerCase());
    const isCookie = name.toLowerCase() === 'set-cookie';
    if (declared === undefined) {
      if (!isCookie) problems.push(`header ${name} is not declared`);
      continue;
    }
    if (value === undefined || declared.validate === undefined) continue;
    // Each cookie is a header of its own.
    for (const sent of isCookie && typeof value === 'object' ? value : [value])
      if (!declared.validate(sent))
        problems.push(...describeIssues(declared.validate.errors).map((problem) => `header ${name} ${problem}`));
  }
  for (const name of plan.requiredHeaders) {
    if (!hasHeader(headers, name) && !reply.hasHeader(name)) problems.push(`header ${name} is missing`);
  }
}

function hasHeader(headers: ResponseHeaders | undefined, lowerCaseName: string): boolean {
  for (const name in headers) {
    if (name.toLowerCase() === lowerCaseName) return headers[name] !== undefined;
  }
  return false;
}

/** Sets headers in the form of style simple; several `Set-Cookie` stay several. */
export function setHeaders(reply: RequestContext['reply'], headers: ResponseHeaders): void {
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (name.toLowerCase() === 'set-cookie') reply.header(name, typeof value === 'object' ? [...value] : String(value));
    else reply.header(name, typeof value === 'object' ? value.join(', ') : String(value));
  }
}

function contentTypeOf(mediaType: string, kind: ResponseMediaDescriptor['kind']): string {
  return (kind === 'json' || kind === 'text' || kind === 'encoded') && !/charset=/i.test(mediaType)
    ? `${mediaType}; charset=utf-8`
    : mediaType;
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
