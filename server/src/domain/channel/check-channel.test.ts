import { expect, test } from '@jest/globals';
import type { ChannelRoute, ChannelTool } from './channel-route.ts';
import type { ChannelKind } from './channel.entity.ts';
import { channelProblems } from './check-channel.ts';

const route = (text: string, workflow_id = 'wf_1'): ChannelRoute => {
  const [method, path] = text.split(' ') as [ChannelRoute['method'], string];
  return { method, path, workflow_id, response_mode: 'sync', timeout_seconds: 1 };
};
const tool = (name: string, workflow_id = 'wf_1'): ChannelTool => ({ name, workflow_id, timeout_seconds: 1 });
const twice = 'is the path of an earlier route with this method, too';

test.each<
  [kind: ChannelKind, routes: ChannelRoute[] | undefined, tools: ChannelTool[] | undefined, want: [string, string][]]
>([
  ['http', undefined, undefined, []],
  ['http', [], [], []],
  ['mcp', [], [], []],
  ['http', [route('GET /a')], [], []],
  ['mcp', [], [tool('a')], []],
  ['mcp', [route('GET /a')], [], [['routes', 'are for a channel of kind http only']]],
  ['http', [], [tool('a')], [['tools', 'are for a channel of kind mcp only']]],
  ['http', [route('GET /a'), route('POST /a'), route('GET /b')], [], []],
  ['http', [route('GET /a'), route('GET /a')], [], [['routes[1].path', twice]]],
  ['http', [route('GET /{x}/a'), route('GET /{y}/a')], [], [['routes[1].path', twice]]],
  ['http', [route('GET /{x}/a'), route('GET /{x}/b')], [], []],
  ['http', [route('GET /{x}/{y}/{x}/{x}')], [], [['routes[0].path', 'has {x} twice'], ['routes[0].path', 'has {x} twice']]], // prettier-ignore
  ['mcp', [], [tool('a'), tool('b'), tool('a')], [['tools[2].name', 'is the name of an earlier tool, too']]],
  ['http', [route('GET /a'), route('GET /b', 'wf_2')], [], [['routes[1].workflow_id', 'is no workflow of this organisation']]], // prettier-ignore
  ['mcp', [], [tool('a', 'wf_2')], [['tools[0].workflow_id', 'is no workflow of this organisation']]],
])('%s with routes %j and tools %j: %j', (kind, routes, tools, want) => {
  const problems = channelProblems(kind, { routes, tools }, new Set(['wf_1']));
  expect(problems).toEqual(want.map(([field, message]) => ({ field, message, location: 'body' })));
});
