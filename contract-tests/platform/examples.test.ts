import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { loadVerifier, useContractHarness, type CallOptions } from '../harness/contract-harness.ts';
import { apiKey, publishedWorkflow, SLOW } from '../harness/fixture.ts';
import type { MediaTypeObject, Operation } from '../verifier/contract-document.ts';

// The examples of the contract are what people copy: each response example must be true, each request example must work.

const verifier = await loadVerifier();
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
      else expect(String(value)).toContain('data:');
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
    const options = await surroundings(operation, value);
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

/** What the example's request needs around it: real ids, real credentials where the example can only have invented ones. */
async function surroundings(operation: Operation, example: unknown): Promise<CallOptions> {
  const { email, password } = harness().server.admin;
  switch (operation.id) {
    case 'login':
      return { json: { ...(example as object), email, password } };
    case 'refreshSession': {
      const session = await harness().call('login', { json: { email, password } });
      return { json: { ...(example as object), refresh_token: session.body.data.refresh_token } };
    }
    case 'updateApiKey':
    case 'rotateApiKey':
      return { path: { api_key_id: (await apiKey(harness(), { scopes: ['workflows:read'] })).id } };
    case 'publishWorkflow': {
      const { body } = await harness().call('createWorkflow', { json: { name: 'Example', definition: SLOW } });
      return { path: { workflow_id: body.data.id } };
    }
    case 'executeWorkflow':
      return { path: { workflow_id: await exampleWorkflow() } };
    case 'updateWorkflow': {
      const { body } = await harness().call('createWorkflow', { json: { name: 'Example', definition: SLOW } });
      const { revision: _invented, ...changes } = example as { revision?: number };
      return { path: { workflow_id: body.data.id }, json: changes };
    }
    default:
      return {};
  }
}

/** The workflow of the `createWorkflow` example, published: the examples of the contract tell one story. */
async function exampleWorkflow(): Promise<string> {
  const created = requestExamples.find(({ operation }) => operation.id === 'createWorkflow')!;
  return publishedWorkflow(harness(), (created.value as { definition: unknown }).definition, 'Example');
}
