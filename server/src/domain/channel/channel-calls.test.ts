import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Json, ResourceNotFoundError } from '../domain-error.ts';
import type { ExecutionQueries } from '../execution/execution-queries.ts';
import type { ExecutionService, ExecutionStart } from '../execution/execution.service.ts';
import { StorageQuotaExceededError } from '../storage/storage.errors.ts';
import type { WorkflowService } from '../workflow/workflow.service.ts';
import { ChannelCalls, type ChannelRequest } from './channel-calls.ts';
import type { ChannelRoute, ChannelTool } from './channel-route.ts';
import type { Channel } from './channel.entity.ts';

let started: ExecutionStart[];
let outcome: () => Promise<unknown>;
const waited: unknown[] = [];
beforeEach(() => {
  started = [];
  outcome = async () => ({ id: 'exec_1' });
});

const executions = {
  start: async (start: ExecutionStart) => {
    started.push(start);
    return outcome();
  },
} as unknown as ExecutionService;
const queries = {
  waitForAnswer: async (...given: unknown[]) => {
    waited.push(given);
    return 'the answer';
  },
} as unknown as ExecutionQueries;

/** Workflows by id: what is described of them, and what is published. */
const known: Record<string, { description: string | null; definition: object }> = {
  described: { description: 'of the workflow', definition: { input_schema: { type: 'object' } } },
  mute: { description: null, definition: {} },
};
const workflows = {
  getPublished: async (_: string, id: string) => {
    if (id === 'broken') throw new TypeError('x is not a function');
    if (!known[id]) throw new ResourceNotFoundError('workflow', id);
    return known[id];
  },
  get: async (_: string, id: string) => ({ name: `Workflow ${id}`, description: known[id]!.description }),
} as unknown as WorkflowService;

const calls = new ChannelCalls(executions, queries, workflows);
const tool = (workflow_id: string, description?: string): ChannelTool => ({
  name: `tool_${workflow_id}`,
  workflow_id,
  timeout_seconds: 1,
  ...(description !== undefined && { description }),
});
const channel = (tools: readonly ChannelTool[] = []): Channel =>
  ({ id: 'chan_1', name: 'Shop', organisation: { id: 'org_1' }, tools }) as unknown as Channel;
const route = { workflow_id: 'wf_1' } as ChannelRoute;
const request = (more: Partial<ChannelRequest> = {}): ChannelRequest => ({
  method: 'POST',
  path: '/orders/1',
  params: {},
  query: {},
  headers: {},
  body: null,
  ...more,
});
const of = { organisationId: 'org_1', startedBy: { type: 'channel', id: 'chan_1' } };

describe('a request', () => {
  test.each<[given: Partial<ChannelRequest>, input: Json]>([
    [{}, {}],
    [
      { query: { a: 'query', b: 'query', c: 'query' }, body: { b: 'body', c: 'body' }, params: { c: 'path' } },
      { a: 'query', b: 'body', c: 'path' },
    ],
    [{ body: [1, 2] }, {}],
    [{ body: 'text' }, {}],
  ])('with %j gives the input %j', async (given, input) => {
    await calls.request(channel(), route, request(given));
    expect(started[0]!.input).toEqual(input);
  });

  test('is what the workflow sees of it, without what proves something or belongs to a session', async () => {
    const headers = { authorization: 'a', cookie: 'b', 'proxy-authorization': 'c', 'x-channel-token': 'd', 'x-api-key': 'e', 'x-own': 'f' }; // prettier-ignore
    const given = request({ headers, body: { n: 1 }, query: { q: '1' }, params: { id: '1' } });
    expect(await calls.request(channel(), route, given)).toEqual({ id: 'exec_1' });
    const trigger = {
      type: 'channel',
      channel_id: 'chan_1',
      channel_name: 'Shop',
      ...given,
      headers: { 'x-own': 'f' },
    };
    expect(started).toEqual([{ ...of, workflowId: 'wf_1', input: { q: '1', n: 1, id: '1' }, trigger }]);
  });

  test('that cannot be stored starts nothing', async () => {
    await expect(calls.request(channel(), route, request({ body: { a: 'a\0' } }))).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [{ field: 'body' }] },
    });
    expect(started).toEqual([]);
  });
});

test('a call of a tool starts its workflow with what the model gives', async () => {
  expect(await calls.call(channel(), tool('wf_1'), { a: 1 })).toEqual({ id: 'exec_1' });
  const trigger = { type: 'channel', channel_id: 'chan_1', channel_name: 'Shop', tool: 'tool_wf_1' };
  expect(started).toEqual([{ ...of, workflowId: 'wf_1', input: { a: 1 }, trigger }]);
});

test('that there is no room is told to others without figures', async () => {
  outcome = () => Promise.reject(new StorageQuotaExceededError({ usedBytes: 2, quotaBytes: 1 }));
  for (const call of [calls.request(channel(), route, request()), calls.call(channel(), tool('wf_1'), {})])
    await expect(call).rejects.toMatchObject({ name: 'NoRoomForOthersError', details: {} });
});

test('an answer is waited for in seconds', async () => {
  const { signal } = new AbortController();
  const execution = { id: 'exec_1', organisationId: 'org_1' } as never;
  expect(await calls.answer(execution, 30, signal)).toBe('the answer');
  expect(waited).toEqual([['org_1', 'exec_1', 30_000, signal]]);
});

test('tools are those whose workflows can be executed now, described by themselves or by their workflow', async () => {
  const given = [tool('described'), tool('described', 'of the tool'), tool('mute'), tool('gone')];
  const told = (await calls.tools(channel(given))).map(({ tool: { name }, title, description, inputSchema }) => [
    name,
    title,
    description,
    inputSchema,
  ]);
  expect(told).toEqual([
    ['tool_described', 'Workflow described', 'of the workflow', { type: 'object' }],
    ['tool_described', 'Workflow described', 'of the tool', { type: 'object' }],
    ['tool_mute', 'Workflow mute', 'Workflow mute', undefined],
  ]);
  await expect(calls.tools(channel([tool('broken')]))).rejects.toThrow(TypeError);
});
