import { type JsonObject, arrayOrEmpty, isObject, objectOrEmpty } from '../json.ts';
import { joinPointer, pointerOfRef, valueAt } from '../json-pointer.ts';
import { type Loss, Losses } from './losses.ts';
import { SecurityRequirements } from './lower-security.ts';
import { lowerSchema } from './lower-schema.ts';
import { renameComponents } from './rename-components.ts';

/** The 3.0.3 document, and what it no longer says. */
export interface Lowered {
  readonly document: JsonObject;
  readonly losses: readonly Loss[];
}

interface Context {
  readonly losses: Losses;
  readonly security: SecurityRequirements;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** A bundled OpenAPI 3.1 document as one of 3.0.3, for generators that know only that; tells what was lost. */
export function lowerDocument(document: JsonObject): Lowered {
  const context = { losses: new Losses(), security: new SecurityRequirements(document) };
  const { losses } = context;
  const { jsonSchemaDialect: _dialect, webhooks, info, paths, components, security, ...rest } = document;
  for (const name of Object.keys(objectOrEmpty(webhooks))) {
    losses.add('webhook', joinPointer('/webhooks', name), `webhook ${name}: 3.0.3 has no webhooks`);
  }
  const lowered = {
    ...rest,
    openapi: '3.0.3',
    info: lowerInfo(objectOrEmpty(info), losses),
    ...(security !== undefined && { security: context.security.lower(security) }),
    paths: lowerPaths(document, objectOrEmpty(paths), context),
    ...(components !== undefined && { components: lowerComponents(objectOrEmpty(components), context) }),
  };
  context.security.report(losses);
  return { document: renameComponents(lowered, losses), losses: losses.list };
}

function lowerInfo({ summary, license, ...info }: JsonObject, losses: Losses): JsonObject {
  if (summary !== undefined) losses.add('info-summary', '/info/summary', 'info.summary: 3.0.3 has none');
  if (!isObject(license)) return info;
  const { identifier, ...rest } = license;
  const url = typeof identifier === 'string' ? { url: `https://spdx.org/licenses/${identifier}.html` } : {};
  return { ...info, license: { ...url, ...rest } };
}

function lowerPaths(document: JsonObject, paths: JsonObject, context: Context): JsonObject {
  return mapEntries(paths, '/paths', (item, pointer) => lowerPathItem(inlined(document, item), pointer, context));
}

/** A Path Item may refer to a component of its own kind in 3.1. */
function inlined(document: JsonObject, item: unknown): JsonObject {
  const { $ref: ref, ...own } = objectOrEmpty(item);
  const pointer = typeof ref === 'string' ? pointerOfRef(ref) : undefined;
  return pointer === undefined ? own : { ...objectOrEmpty(valueAt(document, pointer)), ...own };
}

function lowerPathItem(item: JsonObject, pointer: string, context: Context): JsonObject {
  return mapEntries(item, pointer, (value, place, key) => {
    if (key === 'parameters') return lowerList(value, place, (entry, at) => lowerParameter(entry, at, context));
    return METHODS.includes(key) ? lowerOperation(objectOrEmpty(value), place, context) : value;
  });
}

function lowerOperation(operation: JsonObject, pointer: string, context: Context): JsonObject {
  const lowered = mapEntries(operation, pointer, (value, place, key) => {
    if (key === 'parameters') return lowerList(value, place, (entry, at) => lowerParameter(entry, at, context));
    if (key === 'requestBody') return lowerContent(value, place, context);
    if (key === 'responses')
      return mapEntries(objectOrEmpty(value), place, (entry, at) => lowerResponse(entry, at, context));
    if (key === 'security') return context.security.lower(value);
    if (key !== 'callbacks') return value;
    return mapEntries(objectOrEmpty(value), place, (callback, at) =>
      mapEntries(objectOrEmpty(callback), at, (item, where) => lowerPathItem(objectOrEmpty(item), where, context)),
    );
  });
  return { ...lowered, responses: withAnyResponse(objectOrEmpty(lowered['responses'])) };
}

function withAnyResponse(responses: JsonObject): JsonObject {
  return Object.keys(responses).length > 0 ? responses : { default: { description: 'Not described.' } };
}

function lowerParameter(parameter: unknown, pointer: string, context: Context): JsonObject {
  return lowerContent(parameter, pointer, context);
}

function lowerResponse(response: unknown, pointer: string, context: Context): JsonObject {
  const object = lowerContent(response, pointer, context);
  if ('$ref' in object || !isObject(object['headers'])) return object;
  const headers = mapEntries(object['headers'], joinPointer(pointer, 'headers'), (header, at) =>
    lowerContent(header, at, context),
  );
  return { ...object, headers };
}

/** Parameters, headers, request bodies and responses: they hold a schema, or media types that do. */
function lowerContent(holder: unknown, pointer: string, context: Context): JsonObject {
  const object = objectOrEmpty(holder);
  if (typeof object['$ref'] === 'string') return reference(object, pointer, context);
  return mapEntries(object, pointer, (value, place, key) => {
    if (key === 'schema') return lowerSchema(value, place, context.losses);
    if (key !== 'content') return value;
    return mapEntries(objectOrEmpty(value), place, (media, at, name) =>
      lowerMedia(objectOrEmpty(media), at, name, context),
    );
  });
}

function reference(object: JsonObject, pointer: string, context: Context): JsonObject {
  const { $ref: ref, ...siblings } = object;
  const lost = Object.keys(siblings).filter((name) => !name.startsWith('x-'));
  if (lost.length > 0)
    context.losses.add('reference-siblings', pointer, `${lost.join(', ')} beside $ref: ignored by 3.0.3`);
  return { $ref: ref };
}

function lowerMedia(media: JsonObject, pointer: string, name: string, context: Context): JsonObject {
  if (name.toLowerCase().startsWith('text/event-stream')) {
    context.losses.add(
      'event-stream',
      pointer,
      'text/event-stream: clients get the text of the whole stream when it has ended',
    );
  }
  const { 'x-event-schema': _events, ...rest } = media;
  if (media['schema'] === undefined) {
    return isTextual(name) ? rest : { ...rest, schema: { type: 'string', format: 'binary' } };
  }
  return { ...rest, schema: lowerSchema(media['schema'], joinPointer(pointer, 'schema'), context.losses) };
}

function isTextual(mediaType: string): boolean {
  return /^text\/|json|xml|yaml|x-www-form-urlencoded|multipart/.test(mediaType);
}

function lowerComponents(components: JsonObject, context: Context): JsonObject {
  const { pathItems: _pathItems, ...rest } = components;
  return mapEntries(rest, '/components', (section, pointer, kind) => {
    return mapEntries(objectOrEmpty(section), pointer, (entry, place, name) => {
      if (kind === 'schemas') return lowerSchema(entry, place, context.losses);
      if (kind === 'responses') return lowerResponse(entry, place, context);
      if (kind === 'parameters' || kind === 'headers' || kind === 'requestBodies')
        return lowerContent(entry, place, context);
      if (kind === 'securitySchemes') return lowerScheme(objectOrEmpty(entry), place, name, context);
      return entry;
    });
  });
}

function lowerScheme(scheme: JsonObject, pointer: string, name: string, context: Context): JsonObject {
  if (scheme['type'] !== 'mutualTLS') return scheme;
  context.losses.add('mutual-tls', pointer, `${name}: 3.0.3 has no mutualTLS`);
  return { type: 'http', scheme: 'mutual', description: scheme['description'] };
}

function lowerList(
  list: unknown,
  pointer: string,
  lower: (entry: unknown, pointer: string) => unknown,
): readonly unknown[] {
  return arrayOrEmpty(list).map((entry, index) => lower(entry, joinPointer(pointer, index)));
}

function mapEntries(
  object: JsonObject,
  pointer: string,
  map: (value: unknown, pointer: string, key: string) => unknown,
): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, map(value, joinPointer(pointer, key), key)]),
  );
}
