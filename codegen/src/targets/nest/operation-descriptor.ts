import { formOf } from '../../forms/used-forms.ts';
import type { MediaType, Parameter, Response } from '../../ir/index.ts';
import { camelCase, pascalCase } from '../../plan/names.ts';
import type { OperationPlan } from '../../plan/plan.ts';
import { indent, literal, propertyKey, quote } from '../../print/text.ts';
import { errorCodes } from './error-codes.ts';
import { type NestContext, suppliedBy } from './nest-context.ts';
import { printShape } from './shape.ts';

/** The entry of `operations` for one operation. */
export function printOperationDescriptor(context: NestContext, plan: OperationPlan): string {
  const { operation } = plan;
  const { policies } = operation;
  const codes = errorCodes(context.contract, operation, context.config.errorCode);
  const security = operation.security.map((requirement) =>
    Object.fromEntries(requirement.schemes.map(({ scheme, scopes }) => [scheme, scopes])),
  );
  const lines = [
    `id: ${quote(plan.name)}`,
    `tag: ${quote(plan.tag.name)}`,
    `method: ${quote(operation.method)}`,
    `path: ${quote(operation.path)}`,
    `request: ${printRequest(context, plan)}`,
    `responses: ${printResponses(context, plan)}`,
    `security: ${literal(security)}`,
    `errors: ${literal(Object.fromEntries(codes))}`,
    ...(policies.rateLimit === undefined ? [] : [`rateLimit: ${quote(policies.rateLimit)}`]),
    `idempotent: ${policies.idempotent}`,
    ...(policies.pagination ? [`pagination: { kind: ${quote(policies.pagination)} }`] : []),
    ...(policies.bodyLimit === undefined ? [] : [`bodyLimit: ${policies.bodyLimit}`]),
    ...(operation.deprecated ? [`deprecated: ${literal(operation.deprecated)}`] : []),
  ];
  return object(lines);
}

function printRequest(context: NestContext, plan: OperationPlan): string {
  const { parameters, requestBody } = plan.operation;
  const group = (place: Parameter['in'], name: string): string =>
    printGroup(
      context,
      parameters.filter((parameter) => parameter.in === place),
      `${plan.name}${name}`,
    );
  const lines = [
    `path: ${group('path', 'Path')}`,
    `query: ${group('query', 'Query')}`,
    `headers: ${group('header', 'Headers')}`,
    `cookies: ${group('cookie', 'Cookies')}`,
  ];
  if (requestBody && requestBody.content.length > 0) {
    const content = requestBody.content.map((media) => printRequestMedia(context, plan, media));
    lines.push(`body: ${object([`required: ${requestBody.required}`, `content: ${object(content)}`])}`);
  }
  return object(lines);
}

function printGroup(context: NestContext, parameters: readonly Parameter[], name: string): string {
  if (parameters.length === 0) return '{ parameters: [] }';
  const { request } = context.validators;
  const printed = parameters.map((parameter) => {
    const content = parameter.mediaType === undefined ? '' : `, content: ${quote(parameter.mediaType)}`;
    const { name: key, required, style, explode } = parameter;
    const shape = printShape(context.contract, parameter.schema);
    return `${literal({ name: key, required, style, explode }).slice(0, -2)}${content}, shape: ${shape} }`;
  });
  return object([
    `parameters: [\n${indent(printed.map((line) => `${line},\n`).join(''))}]`,
    `validate: request.${request.useParameters(parameters, name)}`,
  ]);
}

function printRequestMedia(context: NestContext, plan: OperationPlan, media: MediaType): string {
  const form = formOf(media, 'request') as 'request' | 'upload';
  const name = `${plan.name}${several(plan.operation.requestBody?.content) ? pascalCase(media.name) : ''}Body`;
  const validated = media.schema && media.kind !== 'binary';
  const fields = [
    `kind: ${quote(media.kind)}`,
    ...(validated && media.schema ? [`validate: ${form}.${context.validators[form].use(media.schema, name)}`] : []),
    ...(media.schema && (media.kind === 'form' || media.kind === 'multipart')
      ? [`shape: ${printShape(context.contract, media.schema)}`]
      : []),
  ];
  return `${propertyKey(media.name)}: { ${fields.join(', ')} }`;
}

function several(content: readonly MediaType[] | undefined): boolean {
  return (content?.length ?? 0) > 1;
}

function printResponses(context: NestContext, plan: OperationPlan): string {
  const entries = plan.operation.responses.map((response) => {
    const component = response.component === undefined ? undefined : context.plan.responses.get(response.component);
    const value = component
      ? `responses.${component}`
      : printResponseDescriptor(context, response, `${plan.name}${pascalCase(response.status).replace(/^_/, '')}`);
    return `${propertyKey(response.status)}: ${value}`;
  });
  return object(entries);
}

/** A `ResponseDescriptor`; `name` begins the names of its validators. */
export function printResponseDescriptor(context: NestContext, response: Response, name: string): string {
  const { response: validators } = context.validators;
  const headers = response.headers.map((header) => {
    const validate = validators.use(header.schema, `${camelCase(header.name)}Header`);
    return `${propertyKey(header.name)}: { required: ${header.required}, validate: response.${validate} }`;
  });
  const content = response.content.map((media) => {
    const label = several(response.content) ? pascalCase(media.name) : '';
    return `${propertyKey(media.name)}: ${printResponseMedia(context, media, `${name}${label}`)}`;
  });
  return object([`headers: ${object(headers)}`, `content: ${object(content)}`]);
}

/** Of a stream, each event's data is checked and copied, not the stream. */
function printResponseMedia(context: NestContext, media: MediaType, name: string): string {
  const schema = media.kind === 'event-stream' ? media.eventSchema : media.schema;
  if (!schema || media.kind === 'binary') return `{ kind: ${quote(media.kind)} }`;
  const project = media.kind === 'text' ? undefined : context.projections.use(schema, `${name}Body`);
  const supplied = media.kind === 'event-stream' ? [] : suppliedBy(context, schema);
  const fields = [
    `kind: ${quote(media.kind)}`,
    `validate: response.${context.validators.response.use(schema, `${name}Body`)}`,
    ...(project === undefined ? [] : [`project: projections.${project}`]),
    ...(supplied.length > 0 ? [`supplied: ${literal(supplied)}`] : []),
  ];
  return `{ ${fields.join(', ')} }`;
}

function object(entries: readonly string[]): string {
  return entries.length === 0 ? '{}' : `{\n${indent(entries.map((entry) => `${entry},\n`).join(''))}}`;
}
