import { expect, test } from '@jest/globals';
import { contractOf } from '../../../test/contract-of.ts';
import type { JsonObject } from '../../json.ts';
import { Problems } from '../../problems.ts';

const schemas = {
  Text: { type: 'string' },
  Thing: { type: 'object', properties: { name: { type: 'string' } } },
  Either: { oneOf: [{ $ref: '#/components/schemas/Text' }, { $ref: '#/components/schemas/Thing' }] },
  Loop: { anyOf: [{ $ref: '#/components/schemas/Loop' }, { type: 'string' }] },
};
const thing = { $ref: '#/components/schemas/Thing' };

/** The kind of a request body, or `undefined` when it is refused. */
function kindOf(mediaType: string, schema: JsonObject | undefined): string | undefined {
  const requestBody = { content: { [mediaType]: schema === undefined ? {} : { schema } } };
  const contract = contractOf(
    {
      paths: { '/a': { post: { requestBody, responses: { '204': { description: '' } } } } },
      components: { schemas },
    },
    new Problems(['unsupported-media-type']),
  );
  return contract.operations[0]!.requestBody!.content[0]?.kind;
}

test.each<[string, JsonObject | undefined, string | undefined]>([
  ['application/json', thing, 'json'],
  ['application/yaml', undefined, 'text'],
  ['application/yaml', {}, 'text'],
  ['application/yaml', { type: ['string', 'null'] }, 'text'],
  ['application/yaml', { enum: ['a', 'b'] }, 'text'],
  ['application/yaml', { $ref: '#/components/schemas/Text' }, 'text'],
  ['application/yaml', { $ref: '#/components/schemas/Loop' }, 'text'],
  ['application/yaml', { type: 'object' }, 'encoded'],
  ['application/yaml', thing, 'encoded'],
  ['application/yaml', { allOf: [thing] }, 'encoded'],
  ['application/yaml', { $ref: '#/components/schemas/Either' }, 'encoded'],
  ['application/yaml', { properties: {} }, 'encoded'],
  ['application/yaml', { type: 'integer' }, 'encoded'],
  ['application/yaml', { const: 1 }, 'encoded'],
  ['text/csv', { type: 'array' }, 'encoded'],
  ['application/x-ndjson', { items: {} }, 'encoded'],
  ['text/plain', { type: 'integer' }, 'encoded'],
  ['application/xml', { type: 'string' }, 'text'],
  ['application/xml', { $ref: '#/components/schemas/Text' }, 'text'],
  ['application/xml', thing, undefined],
  ['application/xml', { type: 'integer' }, undefined],
  ['application/x-unknown', { $ref: '#/components/schemas/Text' }, 'binary'],
  ['application/x-unknown', thing, undefined],
  ['Application/JSON; charset=utf-8', thing, 'json'],
  ['text/json', thing, 'json'],
  ['application/vnd.own+json', undefined, 'json'],
  ['application/*', thing, 'json'],
  ['*/*', thing, 'json'],
  ['*/*', { type: 'string' }, 'binary'],
  ['*/*', undefined, 'binary'],
  ['application/x-www-form-urlencoded', thing, 'form'],
  ['multipart/form-data', thing, 'multipart'],
  ['multipart/mixed', thing, 'multipart'],
  ['text/event-stream', undefined, 'event-stream'],
  ['image/png', undefined, 'binary'],
  ['image/svg+xml', { type: 'string' }, 'text'],
  ['application/octet-stream', undefined, 'binary'],
  ['application/x-unknown', undefined, 'binary'],
])('%s of %j is %s', (mediaType, schema, want) => {
  expect(kindOf(mediaType, schema)).toBe(want);
});
