import { isUtf8 } from 'node:buffer';

import type {
  BodyDescriptor,
  BodyMediaDescriptor,
  OperationDescriptor,
  ParameterDescriptor,
  Shape,
} from './contract.ts';
import type { FieldError } from './failure.ts';
import { hasMoreNames } from './json-names.ts';
import { essence, findMediaType } from './media-type.ts';
import {
  checkGroup,
  parseCookies,
  primitive,
  QueryReader,
  readCookie,
  readEach,
  readHeader,
  readPathParameter,
} from './parameters.ts';
import type { MediaTypeCodec } from './ports.ts';
import { contextKey, type OperationRequest, type RequestContext } from './request-context.ts';
import { isSimple, pathExpression, routerNames } from './route-path.ts';
import { fieldErrors } from './validation-messages.ts';

type Values = Record<string, unknown>;

/** The request as a handler gets it. A class, so that the engine knows its shape. */
class ReadRequest implements OperationRequest {
  path: Values;
  query: Values;
  headers: Values;
  cookies: Values;
  body: unknown;
  accept: string | undefined;
  contentType: string | undefined;
  [contextKey]: RequestContext;

  constructor(context: RequestContext, path: Values, query: Values, headers: Values, cookies: Values) {
    this.path = path;
    this.query = query;
    this.headers = headers;
    this.cookies = cookies;
    this.body = undefined;
    this.accept = context.accept;
    this.contentType = undefined;
    this[contextKey] = context;
  }
}

/** Decodes and checks everything that a request to one operation carries. */
export class RequestReader {
  private readonly operation: OperationDescriptor;
  private readonly codecs: Readonly<Record<string, MediaTypeCodec>>;
  private readonly maxNames: number;
  private readonly query: QueryReader;
  private readonly mediaTypes: readonly string[];
  private readonly readPath: (context: RequestContext, errors: FieldError[]) => Values;

  constructor(
    operation: OperationDescriptor,
    reservedQuery: readonly string[],
    codecs: Readonly<Record<string, MediaTypeCodec>>,
    maxNames = Infinity,
  ) {
    this.operation = operation;
    this.codecs = codecs;
    this.maxNames = maxNames;
    this.query = new QueryReader(operation.request.query.parameters, reservedQuery);
    this.mediaTypes = Object.keys(operation.request.body?.content ?? {});
    this.readPath = pathReader(operation);
  }

  /** False when the request has a body of a media type that the operation does not take. */
  takesMediaType(contentType: string | undefined, hasBody: boolean): boolean {
    if (this.mediaTypes.length === 0 || !hasBody) return true;
    return contentType !== undefined && findMediaType(this.mediaTypes, contentType) !== undefined;
  }

  get supportedMediaTypes(): readonly string[] {
    return this.mediaTypes;
  }

  /**
   * Sets `context.input`, or gives what is wrong with the request: all of it, not the first. Asynchronous for multipart only.
   */
  read(context: RequestContext): readonly FieldError[] | Promise<readonly FieldError[]> {
    const { request: groups } = this.operation;
    const { headers } = context.request;
    const errors: FieldError[] = [];

    const path = this.readPath(context, errors);
    checkGroup(groups.path, 'path', path, errors);

    const query: Values = {};
    const url = context.request.raw.url ?? '';
    const questionMark = url.indexOf('?');
    if (questionMark !== -1) this.query.read(url.slice(questionMark + 1), query, errors);
    checkGroup(groups.query, 'query', query, errors);

    const headerValues = readEach(groups.headers.parameters, 'header', errors, (parameter) => {
      const text = headers[parameter.name.toLowerCase()];
      return text === undefined ? undefined : readHeader(Array.isArray(text) ? text.join(', ') : text, parameter);
    });
    checkGroup(groups.headers, 'header', headerValues, errors);

    let sent: Map<string, string> | undefined;
    const cookies = readEach(groups.cookies.parameters, 'cookie', errors, (parameter) => {
      const raw = (sent ??= parseCookies(headers.cookie ?? '')).get(parameter.name);
      return raw === undefined ? undefined : readCookie(raw, parameter);
    });
    checkGroup(groups.cookies, 'cookie', cookies, errors);

    const input = new ReadRequest(context, path, query, headerValues, cookies);
    context.input = input;
    const { body } = groups;
    return body === undefined ? errors : this.readBody(body, context, input, errors);
  }

  private readBody(
    { required, content }: BodyDescriptor,
    context: RequestContext,
    input: ReadRequest,
    errors: FieldError[],
  ): readonly FieldError[] | Promise<readonly FieldError[]> {
    const raw = context.request.body as string | Buffer | undefined | null;
    const contentType = context.request.headers['content-type'];
    if (raw === undefined || raw === null || raw.length === 0 || contentType === undefined) {
      if (required) errors.push({ field: '', message: 'a request body is required', location: 'body' });
      return errors;
    }
    const mediaType = findMediaType(this.mediaTypes, contentType);
    const media = mediaType === undefined ? undefined : content[mediaType];
    if (mediaType === undefined || media === undefined) return errors;

    input.contentType = mediaType;
    if (media.kind === 'multipart') {
      return readMultipart(raw, contentType, media.shape).then((fields) => {
        if (fields === undefined) errors.push({ field: '', message: 'is not valid multipart data', location: 'body' });
        else checkBody(media, fields, input, errors);
        return errors;
      });
    }
    const problem = this.parse(raw, media, contentType, input, errors);
    if (problem === undefined) checkBody(media, input.body, input, errors);
    else if (problem !== '') errors.push({ field: '', message: problem, location: 'body' });
    return errors;
  }

  /** Sets the input's body; gives what is wrong with the text, empty when that was reported already. */
  private parse(
    raw: string | Buffer,
    media: BodyMediaDescriptor,
    contentType: string,
    input: ReadRequest,
    errors: FieldError[],
  ): string | undefined {
    if (media.kind === 'binary') {
      input.body = raw;
      return undefined;
    }
    if (typeof raw !== 'string' && !isUtf8(raw)) return 'is not valid UTF-8';
    const text = typeof raw === 'string' ? raw : raw.toString('utf8');
    if (media.kind === 'json') return parseJson(text, this.maxNames, input);
    if (media.kind === 'form') {
      const count = errors.length;
      input.body = readForm(text, media.shape, errors);
      return errors.length > count ? '' : undefined;
    }
    const decode = media.kind === 'encoded' ? this.codecs[essence(contentType)]?.decode : undefined;
    if (decode === undefined) {
      input.body = text;
      return undefined;
    }
    try {
      input.body = decode(text);
      return undefined;
    } catch (error) {
      return `is not valid ${essence(contentType)}${errorPosition(error)}`;
    }
  }
}

/** Where a parser stopped, without the text it quotes there. */
function errorPosition(error: unknown): string {
  const found = /(?:at|on)? ?line \d+,? column \d+/i.exec((error as Error | undefined)?.message ?? '');
  return found === null ? '' : ` (${found[0].trim()})`;
}

function checkBody(media: BodyMediaDescriptor, body: unknown, input: ReadRequest, errors: FieldError[]): void {
  input.body = body;
  if (media.validate !== undefined && !media.validate(body)) errors.push(...fieldErrors(media.validate.errors, 'body'));
}

/** Names that would reach an object's prototype if anything copied the body carelessly. */
const suspicious = /"(?:_|\\u005[Ff]){2}proto(?:_|\\u005[Ff]){2}"\s*:/;

function parseJson(text: string, maxNames: number, input: ReadRequest): string | undefined {
  if (hasMoreNames(text, maxNames)) return `has an object with more than ${maxNames.toLocaleString('en')} names`;
  try {
    input.body = JSON.parse(text) as unknown;
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    return `is not valid JSON${position === undefined ? '' : ` (at position ${position})`}`;
  }
  return (text.includes('__proto__') || text.includes('\\u')) && suspicious.test(text)
    ? 'holds the name __proto__, which is not allowed'
    : undefined;
}

/** `application/x-www-form-urlencoded`: every field like a query parameter of style form. OpenAPI 3.1 section 4.8.15. */
function readForm(text: string, shape: Shape | undefined, errors: FieldError[]): Values {
  const values: Values = {};
  const whole: ParameterDescriptor = {
    name: 'form',
    required: false,
    style: 'form',
    explode: true,
    shape:
      shape?.kind === 'object'
        ? shape
        : { kind: 'object', properties: {}, additional: { kind: 'primitive', types: ['string'] } },
  };
  new QueryReader([whole]).read(text, values, errors, 'body');
  return (values['form'] ?? {}) as Values;
}

/** `multipart/form-data` (RFC 7578): text fields by their shape, files as `File`; undefined when malformed. */
async function readMultipart(
  raw: string | Buffer,
  contentType: string,
  shape: Shape | undefined,
): Promise<Values | undefined> {
  let form: FormData;
  try {
    form = await new Response(typeof raw === 'string' ? raw : new Uint8Array(raw), {
      headers: { 'content-type': contentType },
    }).formData();
  } catch {
    return undefined;
  }
  const fields: Values = {};
  for (const name of new Set(form.keys())) {
    if (name === '__proto__') return undefined;
    const property =
      shape?.kind === 'object' && Object.hasOwn(shape.properties, name) ? shape.properties[name]! : undefined;
    const values = form
      .getAll(name)
      .map((value) => field(value, property?.kind === 'array' ? property.items : property));
    fields[name] = property?.kind === 'array' || values.length > 1 ? values : values[0];
  }
  return fields;
}

function field(value: string | File, shape: Shape | undefined): unknown {
  if (typeof value !== 'string' || shape === undefined) return value;
  if (shape.kind === 'primitive') return primitive(value, shape);
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Reads path parameters: from the router where it decodes what OpenAPI means, else from the raw path. */
function pathReader(operation: OperationDescriptor): (context: RequestContext, errors: FieldError[]) => Values {
  const { parameters } = operation.request.path;
  if (parameters.length === 0) return () => ({});
  const plain = parameters.every(
    ({ style, content, shape }) => style === 'simple' && content === undefined && shape.kind === 'primitive',
  );
  if (plain && isSimple(operation.path)) {
    const names = routerNames(operation.path);
    return (context, errors) => {
      const params = context.request.params as Record<string, string>;
      return readEach(parameters, 'path', errors, ({ name, shape }) => primitive(params[names.get(name)!]!, shape));
    };
  }
  const { expression, names } = pathExpression(operation.path);
  return (context, errors) => {
    const path = (context.request.raw.url ?? '').split('?', 1)[0]!;
    const match = expression.exec(path);
    return readEach(parameters, 'path', errors, (parameter) => {
      const raw = match?.[names.indexOf(parameter.name) + 1];
      return raw === undefined ? undefined : readPathParameter(raw, parameter);
    });
  };
}
