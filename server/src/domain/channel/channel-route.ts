/** Methods that a route can have. */
export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** An address of an `http` channel, and the workflow behind it. */
export interface ChannelRoute {
  readonly method: RouteMethod;
  /** Below the channel; `{name}` stands for one segment. */
  readonly path: string;
  readonly workflow_id: string;
  readonly response_mode: 'sync' | 'async';
  /** How long a `sync` answer waits for the end. */
  readonly timeout_seconds: number;
}

/** A workflow as a tool of an `mcp` channel. */
export interface ChannelTool {
  readonly name: string;
  readonly description?: string;
  readonly workflow_id: string;
  readonly timeout_seconds: number;
}

/** Where a request goes, and what its path says. */
export interface MatchedRoute {
  readonly route: ChannelRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** The path of a route with the names of its parameters left out: two routes with the same one cannot be told apart. */
export function shapeOf({ method, path }: Pick<ChannelRoute, 'method' | 'path'>): string {
  return `${method} ${path.replaceAll(/\{[^}]+\}/g, '{}')}`;
}

/** Names that stand twice in a path. */
export function repeatedParameters(path: string): string[] {
  const names = parametersOf(path);
  return names.filter((name, index) => names.indexOf(name) < index);
}

/** The route that the segments of a path are for, letters going before parameters; and the methods that the path has. */
export function matchRoute(
  routes: readonly ChannelRoute[],
  method: string,
  segments: readonly string[],
): { matched?: MatchedRoute; allowed: readonly RouteMethod[] } {
  const found = routes.flatMap((route) => {
    const params = match(route.path, segments);
    return params ? [{ route, params }] : [];
  });
  const ofMethod = found.filter(({ route }) => route.method === method);
  const [matched] = ofMethod.sort((one, other) => compare(rankOf(one.route.path), rankOf(other.route.path)));
  return { ...(matched && { matched }), allowed: [...new Set(found.map(({ route }) => route.method))] };
}

function match(template: string, given: readonly string[]): Record<string, string> | undefined {
  const parts = template.split('/').slice(1);
  if (parts.length !== given.length) return undefined;
  const params: [string, string][] = [];
  for (const [index, part] of parts.entries()) {
    const value = given[index]!;
    if (!part.startsWith('{')) {
      if (part !== value) return undefined;
    } else if (value === '') return undefined;
    else params.push([part.slice(1, -1), value]);
  }
  return Object.fromEntries(params);
}

function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((found) => found[1]!);
}

/** Sorts a segment of letters before a parameter, from the left. */
function rankOf(path: string): string {
  return path
    .split('/')
    .map((part) => (part.startsWith('{') ? '1' : '0'))
    .join('');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
