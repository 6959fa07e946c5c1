import { expect, jest, test } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { errors, start } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { defineOperation, type OperationRequest } from './index.ts';

const Get = defineOperation<OperationRequest, { status: 200; body: unknown }>(
  operation({ id: 'get', method: 'GET', path: '/get', responses: { 200: { content: { 'application/json': {} } } } }),
);

@Controller()
class Callers {
  /** Answers with who has called it. */
  @Get()
  async get(): Promise<{ status: 200; body: unknown }> {
    return { status: 200, body: new Error().stack };
  }
}

async function callers(adapter: FastifyAdapter): Promise<string> {
  const contracts = [{ descriptor: contract('c', [Get.descriptor]), errors }];
  const running = await start([Callers], { contracts }, {}, undefined, adapter);
  try {
    return (await (await running.fetch('/get')).json()) as string;
  } finally {
    await running.close();
  }
}

test('a method with nothing around it is called directly', async () => {
  expect(await callers(new FastifyAdapter())).toMatch(/direct-handler\.ts/);
});

test('unless Nest’s own tools want to see every call', async () => {
  const adapter = new FastifyAdapter();
  const triggered = jest.fn();
  adapter.setOnRouteTriggered(triggered);
  expect(await callers(adapter)).toMatch(/router-execution-context/);
  expect(triggered).toHaveBeenCalledTimes(1);
});
