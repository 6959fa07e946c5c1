import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { LiveMessages } from '../verifier/live-messages.ts';

const harness = useContractHarness();
const asyncapi = await LiveMessages.load();

test('the AsyncAPI document is served as it stands in the contract', async () => {
  const { url } = harness().server;
  const served = await (await fetch(`${url}/asyncapi.json`)).json();
  expect(served).toEqual(asyncapi.document);
  const yaml = await fetch(`${url}/asyncapi.yaml`);
  expect(yaml.headers.get('content-type')).toBe('application/yaml; charset=utf-8');
  expect(await yaml.text()).toMatch(/^asyncapi: 3\.0\.0\n/);
});

test.each([
  ['executions', 'client'],
  ['executions', 'server'],
  ['execution', 'client'],
  ['execution', 'server'],
] as const)('its examples for channel %s and the %s fit their messages', (channel, from) => {
  const examples = asyncapi
    .names(channel, from)
    .flatMap((name) => asyncapi.document.components.messages[name]!.examples ?? []);
  expect(examples).not.toEqual([]);
  expect(examples.flatMap(({ payload }) => asyncapi.problems(channel, from, payload))).toEqual([]);
});

test('it has every event of the contract on both channels', async () => {
  const { ExecutionEvent } = (harness().verifier.contract.document as any).components.schemas; // eslint-disable-line typescript/no-explicit-any -- the document as it is
  const { schemas } = asyncapi.document.components;
  for (const channel of ['execution', 'executions']) {
    const types = asyncapi.names(channel, 'server').map((name) => {
      const { $ref } = asyncapi.document.components.messages[name]!.payload;
      return schemas[$ref.slice($ref.lastIndexOf('/') + 1)]!.properties.type.const;
    });
    expect(types).toEqual(expect.arrayContaining(Object.keys(ExecutionEvent.discriminator.mapping)));
  }
});

test('a message that it does not have is found', () => {
  expect(asyncapi.problems('execution', 'server', { type: 'node:done' })).toHaveLength(1);
  expect(asyncapi.problems('execution', 'server', { type: 'pong', timestamp: 'yesterday' })).toHaveLength(1);
});
