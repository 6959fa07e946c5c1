import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';

import type {
  ContractDescriptor,
  OperationDescriptor,
  ParameterDescriptor,
  ParameterGroup,
  ResponseMediaDescriptor,
  SecuritySchemeDescriptor,
  Shape,
  Validator,
} from '../nest/index.ts';

/** JSON Schema as tests write it. */
export type Schema = Readonly<Record<string, unknown>>;

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false });
addFormats.default(ajv);

export const validator = (schema: Schema): Validator => ajv.compile(schema) as Validator;

interface Parameter {
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly name: string;
  readonly schema: Schema;
  readonly required?: boolean;
  readonly style?: ParameterDescriptor['style'];
  readonly explode?: boolean;
  readonly content?: string;
}

interface Response {
  readonly headers?: Readonly<Record<string, { schema: Schema; required?: boolean }>>;
  readonly content?: Readonly<Record<string, Schema>>;
  readonly supplied?: readonly string[];
}

interface OperationSource extends Partial<Omit<OperationDescriptor, 'request' | 'responses'>> {
  readonly id: string;
  readonly method: OperationDescriptor['method'];
  readonly path: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: { readonly required?: boolean; readonly content: Readonly<Record<string, Schema>> };
  readonly responses: Readonly<Record<string, Response>>;
}

/** A descriptor as generated code has it, made of schemas when a test runs. */
export function operation(source: OperationSource): OperationDescriptor {
  const { parameters = [], body, responses, ...rest } = source;
  const group = (location: Parameter['in']) =>
    parameterGroup(parameters.filter((parameter) => parameter.in === location));
  return {
    tag: 'test',
    security: [],
    errors: {},
    idempotent: false,
    ...rest,
    request: {
      path: group('path'),
      query: group('query'),
      headers: group('header'),
      cookies: group('cookie'),
      ...(body && {
        body: {
          required: body.required ?? true,
          content: Object.fromEntries(
            Object.entries(body.content).map(([mediaType, schema]) => [
              mediaType,
              { kind: kindOf(mediaType), shape: shapeOf(schema), ...validated(kindOf(mediaType), schema) },
            ]),
          ),
        },
      }),
    },
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { headers = {}, content = {}, supplied }]) => [
        status,
        {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, { schema, required = false }]) => [
              name,
              { required, validate: validator(schema) },
            ]),
          ),
          content: Object.fromEntries(
            Object.entries(content).map(([type, schema]) => [type, responseMedia(type, schema, supplied)]),
          ),
        },
      ]),
    ),
  };
}

export function contract(
  name: string,
  operations: readonly OperationDescriptor[],
  securitySchemes: Readonly<Record<string, SecuritySchemeDescriptor>> = {},
): ContractDescriptor {
  return {
    name,
    document: {},
    securitySchemes,
    operations: Object.fromEntries(operations.map((descriptor) => [descriptor.id, descriptor])),
  };
}

const validated = (kind: string, schema: Schema) =>
  kind === 'binary' || kind === 'multipart' ? {} : { validate: validator(schema) };

function responseMedia(type: string, schema: Schema, supplied: readonly string[] | undefined): ResponseMediaDescriptor {
  const kind = kindOf(type);
  if (kind === 'binary') return { kind };
  const project = (body: unknown, dropped?: string[]) => projection(schema, body, '', dropped);
  return { kind, validate: validator(schema), project, ...(supplied && { supplied }) };
}

function kindOf(mediaType: string): ResponseMediaDescriptor['kind'] {
  if (/[/+]json$/.test(mediaType)) return 'json';
  if (mediaType === 'text/event-stream') return 'event-stream';
  if (mediaType === 'application/x-www-form-urlencoded') return 'form';
  if (mediaType === 'multipart/form-data') return 'multipart';
  if (mediaType.endsWith('/yaml')) return 'encoded';
  return mediaType.startsWith('text/') ? 'text' : 'binary';
}

function parameterGroup(parameters: readonly Parameter[]): ParameterGroup {
  if (parameters.length === 0) return { parameters: [] };
  return {
    parameters: parameters.map((parameter) => {
      const style = parameter.style ?? (parameter.in === 'query' || parameter.in === 'cookie' ? 'form' : 'simple');
      return {
        name: parameter.name,
        required: parameter.required ?? parameter.in === 'path',
        style,
        explode: parameter.explode ?? style === 'form',
        shape: shapeOf(parameter.schema),
        ...(parameter.content && { content: parameter.content }),
      };
    }),
    validate: validator({
      type: 'object',
      properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
      required: parameters.filter((parameter) => parameter.required ?? parameter.in === 'path').map(({ name }) => name),
    }),
  };
}

function shapeOf(schema: Schema): Shape {
  const types = [schema['type'] ?? []].flat() as string[];
  if (types.includes('array')) return { kind: 'array', items: shapeOf((schema['items'] ?? {}) as Schema) };
  if (types.includes('object')) {
    const additional = schema['additionalProperties'];
    return {
      kind: 'object',
      properties: Object.fromEntries(
        Object.entries((schema['properties'] ?? {}) as Record<string, Schema>).map(([name, property]) => [
          name,
          shapeOf(property),
        ]),
      ),
      ...(typeof additional === 'object' && { additional: shapeOf(additional as Schema) }),
    };
  }
  return { kind: 'primitive', types: types as Extract<Shape, { kind: 'primitive' }>['types'] };
}

function projection(schema: Schema, value: unknown, path: string, dropped: string[] | undefined): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      projection((schema['items'] ?? {}) as Schema, item, `${path}[${index}]`, dropped),
    );
  }
  const properties = schema['properties'] as Record<string, Schema> | undefined;
  if (properties === undefined || typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    const child = path === '' ? name : `${path}.${name}`;
    if (properties[name] === undefined) dropped?.push(child);
    else result[name] = projection(properties[name], entry, child, dropped);
  }
  return result;
}
