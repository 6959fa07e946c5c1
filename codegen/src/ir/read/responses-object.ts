import { objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { Header, Response } from '../operation.ts';
import { readContent } from './media-type-object.ts';
import type { Reader } from './reader.ts';
import { readSchema } from './schema-object.ts';

/** OpenAPI 3.1 section 4.8.16. */
export function readResponses(reader: Reader, json: unknown, pointer: string): readonly Response[] {
  const responses: Response[] = [];
  for (const [key, value] of Object.entries(objectOrEmpty(json))) {
    if (key.startsWith('x-')) continue;
    const status = key === 'default' ? key : key.toUpperCase();
    if (!/^(default|[1-5]XX|[1-5]\d\d)$/.test(status)) {
      reader.report(joinPointer(pointer, key), {
        code: 'invalid-status',
        message: `${key} is not a status`,
        hint: 'use a number from 100 to 599, a range such as 4XX, or default',
      });
      continue;
    }
    const found = reader.resolve(value, joinPointer(pointer, key));
    if (Object.keys(objectOrEmpty(found.json['links'])).length > 0) {
      reader.unsupported(joinPointer(found.pointer, 'links'), {
        code: 'unsupported-links',
        message: 'links are not generated',
        hint: 'say in the description which operation takes what the response holds',
      });
    }
    responses.push({
      ...reader.node(found.pointer),
      component: found.component,
      status,
      description: stringOrUndefined(found.json['description']) ?? '',
      headers: readHeaders(reader, found.json['headers'], joinPointer(found.pointer, 'headers')),
      content: readContent(reader, found.json['content'], joinPointer(found.pointer, 'content')),
    });
  }
  return responses;
}

/** OpenAPI 3.1 section 4.8.21; `Content-Type` is given by the media type (section 4.8.17.1). */
function readHeaders(reader: Reader, json: unknown, pointer: string): readonly Header[] {
  return Object.entries(objectOrEmpty(json))
    .filter(([name]) => name.toLowerCase() !== 'content-type')
    .map(([name, value]) => {
      const found = reader.resolve(value, joinPointer(pointer, name));
      return {
        ...reader.node(found.pointer),
        name,
        required: found.json['required'] === true,
        deprecated: found.json['deprecated'] === true,
        description: stringOrUndefined(found.json['description']),
        explode: found.json['explode'] === true,
        schema: readSchema(reader, found.json['schema'] ?? { type: 'string' }, joinPointer(found.pointer, 'schema')),
      };
    });
}
