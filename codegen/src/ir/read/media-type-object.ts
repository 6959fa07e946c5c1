import { objectOrEmpty } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { MediaKind, MediaType } from '../operation.ts';
import type { Reader } from './reader.ts';
import { readSchema } from './schema-object.ts';
import { isStructured, isText, valueTypes } from './value-types.ts';

/** A `content` map (OpenAPI 3.1 section 4.8.14), without the media types that have no kind. */
export function readContent(reader: Reader, json: unknown, pointer: string): readonly MediaType[] {
  const content: MediaType[] = [];
  for (const [name, value] of Object.entries(objectOrEmpty(json))) {
    const { json: media, pointer: place } = reader.resolve(value, joinPointer(pointer, name));
    const schema =
      media['schema'] === undefined ? undefined : readSchema(reader, media['schema'], joinPointer(place, 'schema'));
    const kind = mediaKind(name, valueTypes(reader.document, media['schema']));
    if (!kind) {
      reader.unsupported(joinPointer(pointer, name), {
        code: 'unsupported-media-type',
        message: `no encoding is known for ${name}`,
        hint: 'describe the body as a string, or use JSON',
      });
      continue;
    }
    const eventSchema =
      media['x-event-schema'] === undefined
        ? undefined
        : readSchema(reader, media['x-event-schema'], joinPointer(place, 'x-event-schema'));
    content.push({ ...reader.node(place), name, kind, schema, eventSchema });
  }
  return content;
}

/**
 * `undefined` for structured bodies in a format that is neither JSON nor a form nor one that codecs are written for: XML,
 * whose mapping to values the schema has to describe, and unknown ones.
 */
function mediaKind(name: string, types: ReturnType<typeof valueTypes>): MediaKind | undefined {
  const type = name.split(';', 1)[0]!.trim().toLowerCase();
  if (/^(application|text)\/json$|\+json$|^application\/\*$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type.startsWith('multipart/')) return 'multipart';
  if (type === 'text/event-stream') return 'event-stream';
  if (/^(image|audio|video|font)\/(?!.*\+xml$)|^application\/(octet-stream|pdf|zip|gzip|wasm)$/.test(type))
    return 'binary';
  if (type === '*/*') return isStructured(types) ? 'json' : 'binary';
  if (/[/+]xml$/.test(type)) return isText(types) ? 'text' : undefined;
  if (/^text\/|[/+](yaml|x-yaml|x-ndjson|jsonl|json-seq|csv|graphql|javascript|sql|toml)$/.test(type))
    return isText(types) ? 'text' : 'encoded';
  return isStructured(types) ? undefined : 'binary';
}
