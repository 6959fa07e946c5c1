import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { verifier, useContractHarness } from '../harness/contract-harness.ts';
import { surroundings } from '../harness/tags/index.ts';
import type { MediaTypeObject, Schema } from '../verifier/contract-document.ts';
import { parseEventStream } from '../verifier/event-stream.ts';

// The examples of the contract are what people copy: each response example must be true, each request example must work.

const { contract } = verifier;
const harness = useContractHarness();

interface Example {
  name: string;
  value: unknown;
}

function examplesOf(media: MediaTypeObject): Example[] {
  const named = Object.entries(media.examples ?? {}).map(([name, example]) => ({
    name,
    value: contract.resolve(example).value,
  }));
  return media.example === undefined ? named : [{ name: 'example', value: media.example }, ...named];
}

/** What is wrong with an example of a stream: it has events, each with JSON that its schema lets pass. */
function eventProblems(text: string, schema: Schema): string[] {
  // YAML leaves out the empty line after the last event.
  const events = parseEventStream(`${text}\n`, { complete: true });
  if (events.length === 0) return ['there is no event'];
  return events.flatMap(({ event, data }) => {
    return verifier.problems(schema, JSON.parse(data)).map((problem) => `event ${event}: ${problem}`);
  });
}

const responseExamples = contract.operations.flatMap((operation) =>
  Object.entries(operation.responses).flatMap(([status, response]) =>
    Object.entries(response.content ?? {}).map(([mediaType, media]) => ({
      title: `${operation.id} ${status} ${mediaType}`,
      media,
    })),
  ),
);

describe('response examples', () => {
  test.each(responseExamples)('$title', ({ media }) => {
    const examples = examplesOf(media);
    expect(examples.length).toBeGreaterThan(0);
    for (const { value } of examples) {
      if (media['x-event-schema'] === undefined) expect(verifier.problems(media.schema ?? true, value)).toEqual([]);
      else expect(eventProblems(String(value), media['x-event-schema'])).toEqual([]);
    }
  });
});

const requestExamples = contract.operations.flatMap((operation) =>
  Object.entries(operation.requestBody?.content ?? {}).flatMap(([mediaType, media]) =>
    examplesOf(media).map(({ name, value }) => ({
      title: `${operation.id} ${mediaType} ${name}`,
      operation,
      mediaType,
      value,
    })),
  ),
);

test('every operation with a request body has an example of it', () => {
  const withBody = contract.operations.filter((operation) => operation.requestBody).map((operation) => operation.id);
  expect([...new Set(requestExamples.map(({ operation }) => operation.id))].sort()).toEqual(withBody.sort());
});

describe('request examples work', () => {
  test.each(requestExamples)('$title', async ({ operation, mediaType, value }) => {
    const options = (await surroundings[operation.id]?.(harness(), value)) ?? {};
    const raw = typeof value === 'string' ? value : JSON.stringify(options.json ?? value);
    const { status, text } = await harness().call(operation.id, {
      ...options,
      json: undefined,
      raw,
      headers: { ...options.headers, 'content-type': mediaType },
    });
    expect({ status, text: status < 300 ? '' : text }).toEqual({ status: expect.any(Number), text: '' });
  });
});

describe('parameter examples fit their schemas', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'contract', ...contract.document });
  const parameters = contract.operations.flatMap((operation) =>
    operation.parameters
      .filter((parameter) => parameter.example !== undefined)
      .map((parameter) => ({ title: `${operation.id} ${parameter.name}`, parameter })),
  );

  test.each(parameters)('$title', ({ parameter }) => {
    const schema = JSON.parse(JSON.stringify(parameter.schema).replaceAll('"#/', '"contract#/')) as Record<
      string,
      unknown
    >;
    ajv.validate(schema, parameter.example);
    expect(ajv.errors ?? []).toEqual([]);
  });
});
