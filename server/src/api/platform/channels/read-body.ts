import type { FastifyRequest } from 'fastify';
import type { Json } from '../../../domain/domain-error.ts';
import { OpenRouteError } from '../open-errors.ts';

/** The body of a request by its media type: JSON, a form, or text; null when there is none. Throws OpenRouteError. */
export function readBody({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): Json {
  if (!Buffer.isBuffer(body) || body.length === 0) return null;
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return toJson(decode(body));
  if (mediaType === 'application/x-www-form-urlencoded') return toFields(new URLSearchParams(decode(body)));
  if (mediaType.startsWith('text/') || mediaType === 'application/xml') return decode(body);
  throw new OpenRouteError('unsupported_media_type', 'The body must be JSON, a form, or text.');
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('is not UTF-8');
  }
}

function toJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw malformed('is not JSON');
  }
}

/** A name that is there several times has a list. */
function toFields(sent: URLSearchParams): Json {
  const names = [...new Set(sent.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = sent.getAll(name);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}

function malformed(message: string): OpenRouteError {
  const errors = [{ field: '', message, location: 'body' }];
  return new OpenRouteError('validation_error', `The body of the request ${message}.`, { errors });
}
