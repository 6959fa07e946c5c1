import { type JsonObject, arrayOrEmpty, isObject, objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type {
  Deprecation,
  HttpMethod,
  Operation,
  Parameter,
  Policies,
  RequestBody,
  SecurityRequirement,
} from '../operation.ts';
import { readContent } from './media-type-object.ts';
import { readParameters } from './parameter-object.ts';
import type { Reader } from './reader.ts';
import { readResponses } from './responses-object.ts';
import { refuseServers } from './server-object.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/** The operations of a Paths Object, in document order (OpenAPI 3.1 sections 4.8.8 and 4.8.9). */
export function readOperations(reader: Reader): readonly Operation[] {
  const operations: Operation[] = [];
  for (const [path, value] of Object.entries(objectOrEmpty(reader.document['paths']))) {
    if (path.startsWith('x-')) continue;
    const item = reader.resolve(value, joinPointer('/paths', path));
    refuseServers(reader, item.json['servers'], joinPointer(item.pointer, 'servers'));
    for (const [key, json] of Object.entries(item.json)) {
      const method = METHODS.find((known) => known === key);
      if (!method || !isObject(json)) continue;
      operations.push(
        readOperation(reader, {
          path,
          method: method.toUpperCase() as HttpMethod,
          json,
          pointer: joinPointer(item.pointer, method),
          inherited: { json: item.json['parameters'], pointer: joinPointer(item.pointer, 'parameters') },
        }),
      );
    }
  }
  return operations;
}

interface OperationSource {
  readonly path: string;
  readonly method: HttpMethod;
  readonly json: JsonObject;
  readonly pointer: string;
  readonly inherited: { readonly json: unknown; readonly pointer: string };
}

/** OpenAPI 3.1 section 4.8.10. */
function readOperation(reader: Reader, source: OperationSource): Operation {
  const { json, pointer } = source;
  const parameters = readParameters(reader, [
    source.inherited,
    { json: json['parameters'], pointer: joinPointer(pointer, 'parameters') },
  ]);
  checkPathParameters(reader, source, parameters);
  refuseServers(reader, json['servers'], joinPointer(pointer, 'servers'));
  if (Object.keys(objectOrEmpty(json['callbacks'])).length > 0) {
    reader.unsupported(joinPointer(pointer, 'callbacks'), {
      code: 'unsupported-callbacks',
      message: 'callbacks are not generated',
      hint: 'describe what the server sends under webhooks',
    });
  }
  return {
    ...reader.node(pointer),
    operationId: stringOrUndefined(json['operationId']),
    method: source.method,
    path: source.path,
    tags: arrayOrEmpty(json['tags']).filter((tag) => typeof tag === 'string'),
    summary: stringOrUndefined(json['summary']),
    description: stringOrUndefined(json['description']),
    deprecated: readDeprecation(reader, source),
    parameters,
    requestBody: readRequestBody(reader, json['requestBody'], joinPointer(pointer, 'requestBody')),
    responses: readResponses(reader, json['responses'], joinPointer(pointer, 'responses')),
    security: readSecurity(json['security'] ?? reader.document['security']),
    policies: readPolicies(reader, source, parameters),
    extensions: Object.fromEntries(Object.entries(json).filter(([key]) => key.startsWith('x-'))),
  };
}

/** Every `{name}` of the template is a declared parameter and the reverse (OpenAPI 3.1 section 4.8.12.1). */
function checkPathParameters(reader: Reader, source: OperationSource, parameters: readonly Parameter[]): void {
  const declared = parameters.filter((parameter) => parameter.in === 'path');
  const used = [...source.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
  for (const name of used) {
    if (declared.some((parameter) => parameter.name === name)) continue;
    reader.report(source.pointer, {
      code: 'undeclared-path-parameter',
      message: `${source.method} ${source.path} does not declare the path parameter ${name}`,
      hint: `add {name: ${name}, in: path, required: true, schema: {type: string}}`,
    });
  }
  for (const parameter of declared) {
    if (used.includes(parameter.name)) continue;
    reader.report(parameter.pointer, {
      code: 'unused-path-parameter',
      message: `${source.method} ${source.path} has no {${parameter.name}}`,
      hint: 'remove the parameter or name it in the path',
    });
  }
}

/** OpenAPI 3.1 section 4.8.13. */
export function readRequestBody(reader: Reader, json: unknown, pointer: string): RequestBody | undefined {
  if (!isObject(json)) return undefined;
  const found = reader.resolve(json, pointer);
  return {
    ...reader.node(found.pointer),
    component: found.component,
    required: found.json['required'] === true,
    description: stringOrUndefined(found.json['description']),
    content: readContent(reader, found.json['content'], joinPointer(found.pointer, 'content')),
  };
}

function readSecurity(json: unknown): readonly SecurityRequirement[] {
  return arrayOrEmpty(json).map((requirement) => ({
    schemes: Object.entries(objectOrEmpty(requirement)).map(([scheme, scopes]) => ({
      scheme,
      scopes: arrayOrEmpty(scopes).filter((scope) => typeof scope === 'string'),
    })),
  }));
}

/** Accepts values of an extension, or reports what they should have been. */
function readExtension<T>(
  reader: Reader,
  { json, pointer }: OperationSource,
  name: string,
  accepts: (value: unknown) => value is T,
  expected: string,
): T | undefined {
  const value = json[name];
  if (value === undefined || accepts(value)) return value;
  reader.report(joinPointer(pointer, name), {
    code: 'invalid-extension',
    message: `${name} is ${JSON.stringify(value)}`,
    hint: `it must be ${expected}`,
  });
  return undefined;
}

/** The `Deprecation` header is a date (RFC 9745 section 2.1), so a deprecation needs one. */
function readDeprecation(reader: Reader, source: OperationSource): Deprecation | undefined {
  const { json, pointer, method, path } = source;
  if (json['deprecated'] !== true) return undefined;
  if (json['x-deprecated-since'] === undefined) {
    reader.unsupported(joinPointer(pointer, 'deprecated'), {
      code: 'undated-deprecation',
      message: `${method} ${path} is deprecated without a date`,
      hint: "add x-deprecated-since: '2026-01-31'",
    });
  }
  return {
    since: readExtension(reader, source, 'x-deprecated-since', isDate, 'a date'),
    sunset: readExtension(reader, source, 'x-sunset', isDate, 'a date'),
    link: readExtension(reader, source, 'x-deprecation-link', isNonEmptyString, 'a URL'),
  };
}

function readPolicies(reader: Reader, source: OperationSource, parameters: readonly Parameter[]): Policies {
  const header = reader.idempotencyHeader.toLowerCase();
  return {
    rateLimit: readExtension(reader, source, 'x-rate-limit', isNonEmptyString, 'the name of a class'),
    pagination: readExtension(reader, source, 'x-pagination', isPagination, 'page, cursor or both'),
    bodyLimit: readExtension(reader, source, 'x-body-limit', isPositiveInteger, 'a number of bytes'),
    idempotent: parameters.some(({ in: place, name }) => place === 'header' && name.toLowerCase() === header),
  };
}

function isDate(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isPagination(value: unknown): value is 'page' | 'cursor' | 'both' {
  return value === 'page' || value === 'cursor' || value === 'both';
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
