import { afterEach, expect, test } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { parse } from 'yaml';
import { installAsyncDocs } from './docs.ts';

let server: FastifyInstance;
afterEach(() => server.close());

test('the document of live messages is served as YAML and as JSON, each time the same, without references between its parts', async () => {
  server = fastify();
  const shared = {
    description: `A text of more than eighty characters, which is not broken into lines: ${'x'.repeat(80)}`,
  };
  const document = { asyncapi: '3.0.0', one: shared, other: shared, lines: 'a\nb\n' };
  installAsyncDocs(server, document);
  for (let time = 0; time < 2; time++) {
    const yaml = await server.inject('/asyncapi.yaml');
    expect(yaml.headers['content-type']).toBe('application/yaml; charset=utf-8');
    expect(parse(yaml.body)).toEqual(document);
    expect(yaml.body).toContain('x'.repeat(80));
    expect(yaml.body).toContain('lines: |\n  a\n  b\n');
    expect(yaml.body).not.toMatch(/&a\d|\*a\d/);
    const json = await server.inject('/asyncapi.json');
    expect(json.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(json.json()).toEqual(document);
  }
});
