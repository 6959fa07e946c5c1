import type { FastifyRequest } from 'fastify';
import { hasMoreNames } from '#runtime/nest/index.ts';
import type { Json } from '../../domain/domain-error.ts';
import { exceeds, maxNames } from '../../domain/json-bounds.ts';
import { OpenRouteError } from './open-errors.ts';

/**
 * The body of a request by its media type: JSON, the fields of a form, text, and anything else as base64; null when there
 * is none. A field that comes several times is a list, a file `{ name, type, base64 }`. Throws OpenRouteError.
 */
export async function readBody({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): Promise<Json> {
  if (!Buffer.isBuffer(body) || body.length === 0) return null;
  const contentType = headers['content-type'] ?? '';
  const mediaType = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return toJson(decode(body));
  if (mediaType === 'application/x-www-form-urlencoded') return toFields([...new URLSearchParams(decode(body))]);
  if (mediaType === 'multipart/form-data') return toFields(await readParts(body, contentType));
  if (mediaType.startsWith('text/') || mediaType.endsWith('xml')) return decode(body);
  return body.toString('base64');
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('is not UTF-8');
  }
}

function toJson(text: string): Json {
  if (hasMoreNames(text, maxNames)) throw malformed(exceeds.names);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw malformed('is not JSON');
  }
}

async function readParts(body: Buffer, contentType: string): Promise<[string, Json][]> {
  let parts: FormData;
  try {
    parts = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw malformed('is not multipart/form-data');
  }
  return Promise.all(
    [...parts].map(async ([name, value]): Promise<[string, Json]> => {
      if (typeof value === 'string') return [name, value];
      const base64 = Buffer.from(await value.arrayBuffer()).toString('base64');
      return [name, { name: value.name, type: value.type, base64 }];
    }),
  );
}

function toFields(entries: readonly [string, Json][]): Json {
  return Object.fromEntries(
    [...Map.groupBy(entries, ([name]) => name)].map(([name, all]) => [
      name,
      all.length === 1 ? all[0]![1] : all.map(([, value]) => value),
    ]),
  );
}

function malformed(message: string): OpenRouteError {
  const errors = [{ field: '', message, location: 'body' }];
  return new OpenRouteError('validation_error', `The body of the request ${message}.`, { errors });
}
