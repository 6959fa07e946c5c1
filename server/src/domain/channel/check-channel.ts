import type { Problem } from '../domain-error.ts';
import { fieldPath } from '../language/index.ts';
import { type ChannelRoute, type ChannelTool, repeatedParameters, shapeOf } from './channel-route.ts';
import type { ChannelContent, ChannelKind } from './channel.entity.ts';

/** Everything that is wrong with the routes and tools of a channel; `known` are the workflows of the organisation among those they name. */
export function channelProblems(
  kind: ChannelKind,
  { routes, tools }: Partial<ChannelContent>,
  known: ReadonlySet<string>,
): Problem[] {
  return [
    ...(kind === 'mcp' && routes?.length ? [problem(['routes'], 'are for a channel of kind http only')] : []),
    ...(kind === 'http' && tools?.length ? [problem(['tools'], 'are for a channel of kind mcp only')] : []),
    ...(routes ?? []).flatMap((route, index, all) => routeProblems(route, index, all)),
    ...(tools ?? []).flatMap((tool, index, all) => toolProblems(tool, index, all)),
    ...missing('routes', routes ?? [], known),
    ...missing('tools', tools ?? [], known),
  ];
}

function routeProblems(route: ChannelRoute, index: number, all: readonly ChannelRoute[]): Problem[] {
  const twice = all.findIndex((other) => shapeOf(other) === shapeOf(route)) < index;
  return [
    ...(twice ? [problem(['routes', index, 'path'], 'is the path of an earlier route with this method, too')] : []),
    ...repeatedParameters(route.path).map((name) => problem(['routes', index, 'path'], `has {${name}} twice`)),
  ];
}

function toolProblems({ name }: ChannelTool, index: number, all: readonly ChannelTool[]): Problem[] {
  const twice = all.findIndex((other) => other.name === name) < index;
  return twice ? [problem(['tools', index, 'name'], 'is the name of an earlier tool, too')] : [];
}

function missing(list: string, items: readonly { workflow_id: string }[], known: ReadonlySet<string>): Problem[] {
  return items.flatMap(({ workflow_id: id }, index) =>
    known.has(id) ? [] : [problem([list, index, 'workflow_id'], 'is no workflow of this organisation')],
  );
}

function problem(keys: readonly (string | number)[], message: string): Problem {
  return { field: fieldPath(keys), message, location: 'body' };
}
