import { type JsonObject, arrayOrEmpty, isObject, objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { LoadedDocument } from '../../load/load-document.ts';
import type { Problems } from '../../problems.ts';
import type { Contract, SecurityScheme, Tag, Webhook } from '../contract.ts';
import type { Operation } from '../operation.ts';
import { readOperations, readRequestBody } from './operation-object.ts';
import { Reader } from './reader.ts';
import { readNamedSchemas } from './schema-object.ts';
import { readServers } from './server-object.ts';

export interface ReadOptions {
  readonly name: string;
  readonly idempotencyHeader: string;
}

/** The IR of a loaded document. What is wrong or unsupported goes to `problems`; the result is then incomplete. */
export function readContract(loaded: LoadedDocument, options: ReadOptions, problems: Problems): Contract {
  const reader = new Reader(loaded, problems, options.idempotencyHeader);
  const info = objectOrEmpty(loaded.document['info']);
  const operations = readOperations(reader);
  const webhooks = readWebhooks(reader);
  const securitySchemes = readSecuritySchemes(reader);
  checkSecurity(reader, operations, securitySchemes);
  return {
    name: options.name,
    source: loaded.source,
    document: loaded.document,
    title: stringOrUndefined(info['title']) ?? options.name,
    version: stringOrUndefined(info['version']) ?? '',
    description: stringOrUndefined(info['description']),
    servers: readServers(reader),
    tags: readTags(loaded.document, operations),
    operations,
    webhooks,
    securitySchemes,
    schemas: readNamedSchemas(reader),
  };
}

function readTags(document: JsonObject, operations: readonly Operation[]): readonly Tag[] {
  const tags = new Map<string, Tag>();
  for (const tag of arrayOrEmpty(document['tags'])) {
    if (!isObject(tag) || typeof tag['name'] !== 'string') continue;
    tags.set(tag['name'], { name: tag['name'], description: stringOrUndefined(tag['description']) });
  }
  for (const name of operations.flatMap((operation) => operation.tags)) {
    if (!tags.has(name)) tags.set(name, { name });
  }
  return [...tags.values()];
}

function readWebhooks(reader: Reader): readonly Webhook[] {
  return Object.entries(objectOrEmpty(reader.document['webhooks'])).flatMap(([name, value]) => {
    const item = reader.resolve(value, joinPointer('/webhooks', name));
    const json = item.json['post'];
    if (!isObject(json)) return [];
    const pointer = joinPointer(item.pointer, 'post');
    return [
      {
        ...reader.node(pointer),
        name,
        summary: stringOrUndefined(json['summary']),
        description: stringOrUndefined(json['description']),
        requestBody: readRequestBody(reader, json['requestBody'], joinPointer(pointer, 'requestBody')),
      },
    ];
  });
}

function readSecuritySchemes(reader: Reader): readonly SecurityScheme[] {
  const base = '/components/securitySchemes';
  const schemes = objectOrEmpty(objectOrEmpty(reader.document['components'])['securitySchemes']);
  return Object.entries(schemes).map(([key, value]) => {
    const { json, pointer } = reader.resolve(value, joinPointer(base, key));
    return {
      ...reader.node(pointer),
      key,
      type: json['type'] as SecurityScheme['type'],
      description: stringOrUndefined(json['description']),
      in: json['in'] as SecurityScheme['in'],
      name: stringOrUndefined(json['name']),
      scheme: stringOrUndefined(json['scheme'])?.toLowerCase(),
      bearerFormat: stringOrUndefined(json['bearerFormat']),
    };
  });
}

function checkSecurity(reader: Reader, operations: readonly Operation[], schemes: readonly SecurityScheme[]): void {
  const known = new Set(schemes.map((scheme) => scheme.key));
  const reported = new Set<string>();
  for (const operation of operations) {
    for (const { scheme } of operation.security.flatMap((requirement) => requirement.schemes)) {
      if (known.has(scheme) || reported.has(scheme)) continue;
      reported.add(scheme);
      reader.report(operation.pointer, {
        code: 'unknown-security-scheme',
        message: `${operation.method} ${operation.path} requires ${scheme}, which is not declared`,
        hint: 'declare it under components.securitySchemes',
      });
    }
  }
}
