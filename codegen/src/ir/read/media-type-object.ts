import { objectOrEmpty } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { MediaKind, MediaType } from '../operation.ts';
import type { Schema } from '../schema.ts';
import type { Reader } from './reader.ts';
import { readSchema } from './schema-object.ts';

/** A `content` map (OpenAPI 3.1 section 4.8.14), without the media types that have no kind. */
export function readContent(reader: Reader, json: unknown, pointer: string): readonly MediaType[] {
  const content: MediaType[] = [];
  for (const [name, value] of Object.entries(objectOrEmpty(json))) {
    const { json: media, pointer: place } = reader.resolve(value, joinPointer(pointer, name));
    const schema =
      media['schema'] === undefined ? undefined : readSchema(reader, media['schema'], joinPointer(place, 'schema'));
    const kind = mediaKind(name, schema);
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

/** `undefined` for structured bodies in a format that is neither JSON nor a form, such as XML. */
function mediaKind(name: string, schema: Schema | undefined): MediaKind | undefined {
  const type = name.split(';', 1)[0]!.trim().toLowerCase();
  if (/^(application|text)\/json$|\+json$|^application\/\*$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type.startsWith('multipart/')) return 'multipart';
  if (type === 'text/event-stream') return 'event-stream';
  if (/^(image|audio|video|font)\/(?!.*\+xml$)|^application\/(octet-stream|pdf|zip|gzip|wasm)$/.test(type))
    return 'binary';
  const structured = schema !== undefined && !isText(schema);
  if (type === '*/*') return structured ? 'json' : 'binary';
  if (structured && /[/+]xml$/.test(type)) return undefined;
  if (type.startsWith('text/')) return 'text';
  if (/[/+](yaml|x-yaml|xml|x-ndjson|jsonl|json-seq|csv|graphql|javascript|sql|toml)$/.test(type)) return 'text';
  return structured ? undefined : 'binary';
}

function isText(schema: Schema): boolean {
  const shapeless =
    schema.properties.length + schema.allOf.length + schema.oneOf.length + schema.anyOf.length === 0 &&
    schema.ref === undefined;
  return schema.types ? schema.types.every((type) => type !== 'object' && type !== 'array') : shapeless;
}
