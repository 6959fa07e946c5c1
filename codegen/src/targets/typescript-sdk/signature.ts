import type { MediaType, Operation, Parameter, RequestBody, Schema } from '../../ir/index.ts';
import { camelCase, isIdentifier, Scope } from '../../plan/names.ts';
import type { OperationPlan } from '../../plan/plan.ts';
import { quote } from './print.ts';
import { isEnveloped, modelType, propertyOf, resolve, type SdkContext } from './context.ts';

/** Everything about one method that is not punctuation. */
export interface Signature {
  readonly plan: OperationPlan;
  readonly path: readonly { readonly name: string; readonly argument: string; readonly type: string }[];
  /** The type of the parameter object, where the operation has query parameters or a body. */
  readonly params: { readonly name: string; readonly type: string; readonly required: boolean } | undefined;
  readonly bodyFrom: 'merged' | 'property' | 'whole' | undefined;
  /** Further request media types, with the type of the body each takes. */
  readonly requests: readonly { readonly contentType: string; readonly type: string }[];
  /** Response media types with what the call gives for each; the first is the default. */
  readonly results: readonly { readonly accept: string; readonly type: string }[];
  /** Set for a list: the types of its items and of what tells where a page stands. */
  readonly page: { readonly item: string; readonly pagination: string } | undefined;
  /** Set for an event stream: the type of its events. */
  readonly events: string | undefined;
  readonly requiredHeaders: readonly string[];
}

const SUCCESS = /^2/;

/** Everything about a method that its printing needs; reports what methods cannot express. */
export function signatureOf(context: SdkContext, plan: OperationPlan): Signature {
  const { operation } = plan;
  const query = operation.parameters.filter((parameter) => parameter.in === 'query');
  const bodyFrom = operation.requestBody && bodyMode(context, operation.requestBody, query);
  const [firstBody, ...otherBodies] = operation.requestBody?.content ?? [];
  reportCookies(context, operation);
  return {
    plan,
    path: pathArguments(operation),
    params: paramsOf(context, plan, query, firstBody, bodyFrom),
    bodyFrom,
    requests: otherBodies.map((media) => ({ contentType: media.name, type: bodyType(context, operation, media) })),
    results: resultsOf(context, operation),
    page: pageOf(context, operation),
    events: eventsOf(context, operation),
    requiredHeaders: operation.parameters
      .filter(
        ({ in: location, required, name }) =>
          location === 'header' && required && !isSame(name, context.idempotencyHeader),
      )
      .map(({ name }) => name),
  };
}

/** `paths['/v1/workflows']['get']`, which openapi-typescript has for every operation, with or without an id. */
export function operationType({ path, method }: Operation): string {
  return `paths[${quote(path)}]['${method.toLowerCase()}']`;
}

/** Media types of the responses with a 2xx status, in the order of the contract. */
export function successMedia(operation: Operation): readonly (MediaType & { readonly status: string })[] {
  return operation.responses
    .filter(({ status }) => SUCCESS.test(status))
    .flatMap(({ status, content }) => content.map((media) => ({ ...media, status })));
}

function pathArguments(operation: Operation): Signature['path'] {
  const scope = new Scope(['params', 'options', 'this']);
  const names = [...operation.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!);
  return names.flatMap((name) => {
    const parameter = operation.parameters.find((candidate) => candidate.in === 'path' && candidate.name === name);
    const camel = camelCase(name) || 'parameter';
    const argument = scope.claim(isIdentifier(camel) ? camel : `${camel}_`);
    return [{ name, argument, type: parameter === undefined ? 'string' : pathType(parameter.schema) }];
  });
}

function pathType({ types, enum: values, ref }: Schema): string {
  if (values !== undefined && ref === undefined) return values.map((value) => JSON.stringify(value)).join(' | ');
  const primitive = types?.length === 1 ? types[0] : undefined;
  if (primitive === 'integer' || primitive === 'number') return 'number';
  if (primitive === 'boolean') return 'boolean';
  return primitive === 'string' ? 'string' : 'string | number';
}

/** A body of known properties shares one object with the query; otherwise it has a property of its own. */
function bodyMode(context: SdkContext, body: RequestBody, query: readonly Parameter[]): Signature['bodyFrom'] {
  if (query.length === 0) return 'whole';
  const [media, ...others] = body.content;
  if (media?.kind !== 'json' || media.schema === undefined || others.length > 0) return 'property';
  const schema = resolve(context.contract, media.schema);
  const open = schema.allOf.length + schema.anyOf.length + schema.oneOf.length + schema.patternProperties.length > 0;
  const names = new Set(schema.properties.map(({ name }) => name));
  return !open && names.size > 0 && query.every(({ name }) => !names.has(name)) ? 'merged' : 'property';
}

function paramsOf(
  context: SdkContext,
  { operation, typeName }: OperationPlan,
  query: readonly Parameter[],
  media: MediaType | undefined,
  bodyFrom: Signature['bodyFrom'],
): Signature['params'] {
  const queryType = `QueryParams<${operationType(operation)}['parameters']['query']>`;
  const required = query.some((parameter) => parameter.required) || (operation.requestBody?.required ?? false);
  const name = `${typeName}Params`;
  if (media === undefined) return query.length === 0 ? undefined : { name, type: queryType, required };
  const body = bodyType(context, operation, media);
  if (bodyFrom === 'whole') return { name, type: body, required };
  const mark = operation.requestBody?.required === true ? '' : '?';
  return { name, type: `${queryType} & ${bodyFrom === 'merged' ? body : `{ body${mark}: ${body} }`}`, required };
}

function bodyType(context: SdkContext, operation: Operation, media: MediaType): string {
  if (media.kind === 'text' || media.kind === 'encoded') return 'string';
  if (media.kind === 'binary' || media.kind === 'event-stream' || media.schema === undefined) return 'BinaryBody';
  const declared =
    modelType(context, media.schema) ??
    `NonNullable<${operationType(operation)}['requestBody']>['content'][${quote(media.name)}]`;
  return media.kind === 'multipart' ? `${declared} | FormData` : declared;
}

function resultsOf(context: SdkContext, operation: Operation): Signature['results'] {
  const types = new Map<string, Set<string>>();
  for (const media of successMedia(operation)) {
    if (!types.has(media.name)) types.set(media.name, new Set());
    types.get(media.name)!.add(resultType(context, operation, media, media.status));
  }
  const empty = operation.responses.some(({ status, content }) => SUCCESS.test(status) && content.length === 0);
  if (types.size === 0) return [{ accept: '*/*', type: 'void' }];
  return [...types].map(([accept, union]) => ({
    accept,
    type: [...union, ...(empty ? ['undefined'] : [])].join(' | '),
  }));
}

function resultType(context: SdkContext, operation: Operation, media: MediaType, status: string): string {
  if (media.kind === 'binary') return 'Blob';
  if (media.kind !== 'json') return 'string';
  if (media.schema === undefined) return 'unknown';
  const whole =
    modelType(context, media.schema) ??
    `${operationType(operation)}['responses'][${statusKey(status)}]['content'][${quote(media.name)}]`;
  if (!isEnveloped(context, media)) return whole;
  return fieldType(context, media.schema, whole, context.options.envelope!.data);
}

/** openapi-typescript keys ranges as they are written and numbers as numbers. */
function statusKey(status: string): string {
  return /^\d+$/.test(status) ? status : quote(status);
}

function fieldType(context: SdkContext, schema: Schema, whole: string, field: string): string {
  const declared = propertyOf(context, schema, field);
  const direct = declared && modelType(context, declared);
  const items = declared?.items && modelType(context, declared.items);
  if (direct !== undefined) return direct;
  return items !== undefined && declared?.ref === undefined ? `${items}[]` : `${whole}[${quote(field)}]`;
}

function pageOf(context: SdkContext, operation: Operation): Signature['page'] {
  const { pagination } = context.options;
  if (operation.policies.pagination === undefined || pagination === undefined) return undefined;
  const media = successMedia(operation).find((candidate) => isEnveloped(context, candidate));
  const items = media && propertyOf(context, media.schema!, context.options.envelope!.data);
  const position = media && propertyOf(context, media.schema!, pagination.property);
  if (media === undefined || position === undefined || resolve(context.contract, items!).items === undefined) {
    context.problems.add({
      code: 'sdk-pagination-shape',
      message: `${operation.operationId ?? operation.path} has x-pagination, but no success body with an array in "${context.options.envelope?.data}" and "${pagination.property}" beside it`,
      location: operation.location,
      hint: 'remove x-pagination, or give the response the shape of a page',
    });
    return undefined;
  }
  const data = resultType(context, operation, media, media.status);
  const whole = modelType(context, media.schema!) ?? data;
  return {
    item: data.endsWith('[]') ? data.slice(0, -2) : `${data}[number]`,
    pagination: fieldType(context, media.schema!, whole, pagination.property),
  };
}

function eventsOf(context: SdkContext, operation: Operation): string | undefined {
  const media = successMedia(operation).find(({ kind }) => kind === 'event-stream');
  if (media === undefined) return undefined;
  if (media.eventSchema === undefined) return 'ServerSentEvent';
  const type = eventType(context, media.eventSchema);
  if (type === undefined) {
    context.problems.add({
      code: 'sdk-untyped-events',
      message: `the x-event-schema of ${operation.operationId ?? operation.path} has no name that the TypeScript SDK could use`,
      location: media.eventSchema.location,
      hint: 'make it a $ref to a schema under components.schemas',
    });
  }
  return type ?? 'unknown';
}

/** Bundling puts a copy of the schema where the extension referred to it, so the component is found by its content. */
function eventType(context: SdkContext, schema: Schema): string | undefined {
  const direct = modelType(context, schema);
  if (direct !== undefined) return direct;
  const content = JSON.stringify(schema.json);
  const same = [...context.plan.schemas.values()].find(
    ({ schema: named }) => named.component && JSON.stringify(named.schema.json) === content,
  );
  if (same !== undefined) return `models.${same.typeName}`;
  const kinds = [...schema.oneOf, ...schema.anyOf].map((kind) => modelType(context, kind));
  return kinds.length > 0 && kinds.every((kind) => kind !== undefined) ? kinds.join(' | ') : undefined;
}

function reportCookies({ problems }: SdkContext, operation: Operation): void {
  for (const parameter of operation.parameters.filter(
    ({ in: location, required }) => location === 'cookie' && required,
  )) {
    problems.unsupported({
      code: 'unsupported-sdk-cookie-parameter',
      message: `the required cookie parameter "${parameter.name}" cannot be sent by the TypeScript SDK: browsers set cookies themselves`,
      location: parameter.location,
    });
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
