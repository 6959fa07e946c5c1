import { arrayOrEmpty, objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { joinPointer } from '../../json-pointer.ts';
import type { Parameter, ParameterStyle } from '../operation.ts';
import { type Found, Reader } from './reader.ts';
import { readSchema } from './schema-object.ts';

const DEFAULT_STYLES = { path: 'simple', query: 'form', header: 'simple', cookie: 'form' } as const;
const STYLES: Readonly<Record<Parameter['in'], readonly ParameterStyle[]>> = {
  path: ['matrix', 'label', 'simple'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
};

/** Defined elsewhere in the document, so that a parameter of this name says nothing (OpenAPI 3.1 section 4.8.12.1). */
const IGNORED_HEADERS = new Set(['accept', 'content-type', 'authorization']);

/** The parameters of a path item, overridden by those of the operation with the same name and place (section 4.8.10). */
export function readParameters(
  reader: Reader,
  groups: readonly { json: unknown; pointer: string }[],
): readonly Parameter[] {
  const parameters = new Map<string, Parameter>();
  for (const { json, pointer } of groups) {
    for (const [index, item] of arrayOrEmpty(json).entries()) {
      const parameter = readParameter(reader, reader.resolve(item, joinPointer(pointer, index)));
      if (parameter) parameters.set(`${parameter.in} ${parameter.name}`, parameter);
    }
  }
  return [...parameters.values()];
}

/** OpenAPI 3.1 section 4.8.12. */
function readParameter(reader: Reader, { json, pointer, component }: Found): Parameter | undefined {
  const name = stringOrUndefined(json['name']);
  const place = json['in'] as Parameter['in'];
  if (name === undefined || !(place in DEFAULT_STYLES)) return undefined;
  if (place === 'header' && IGNORED_HEADERS.has(name.toLowerCase())) return undefined;
  const style = (json['style'] ?? DEFAULT_STYLES[place]) as ParameterStyle;
  if (!STYLES[place].includes(style)) {
    reader.report(joinPointer(pointer, 'style'), {
      code: 'invalid-parameter-style',
      message: `style ${style} is not defined for parameters in ${place}`,
      hint: `use ${STYLES[place].join(', ')}`,
    });
  }
  const [mediaType] = Object.keys(objectOrEmpty(json['content']));
  const schemaPointer = joinPointer(
    pointer,
    ...(mediaType === undefined ? ['schema'] : ['content', mediaType, 'schema']),
  );
  const schema =
    mediaType === undefined ? json['schema'] : objectOrEmpty(objectOrEmpty(json['content'])[mediaType])['schema'];
  return {
    ...reader.node(pointer),
    component,
    name,
    in: place,
    required: place === 'path' || json['required'] === true,
    deprecated: json['deprecated'] === true,
    description: stringOrUndefined(json['description']),
    style,
    explode: typeof json['explode'] === 'boolean' ? json['explode'] : style === 'form',
    mediaType,
    schema: readSchema(reader, schema ?? { type: 'string' }, schemaPointer),
  };
}
