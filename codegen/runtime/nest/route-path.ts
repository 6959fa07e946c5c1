/** OpenAPI 3.1 section 4.8.8.2: what is between braces is the name of a path parameter. */
const expression = /\{([^{}]*)\}/g;

/**
 * The path under which Nest knows an operation. Equal to the router's for templates whose segments are a literal or one
 * parameter; for others (`{id}:cancel`, `{a}.{b}`) only a unique name, since Nest and the router read such patterns differently.
 */
export function nestPath(template: string): string {
  return template
    .split('/')
    .map((segment) => {
      const parameter = /^\{([^{}]*)\}$/.exec(segment);
      if (parameter) return `:${identifier(parameter[1]!)}`;
      if (/^[\w.~-]*$/.test(segment)) return segment;
      return segment.includes('{') ? `:${identifier(segment)}` : identifier(segment);
    })
    .join('/');
}

/**
 * The pattern of Fastify's router (find-my-way). Parameters that share a segment with something get a regular expression,
 * and the router prefers such a segment to a plain parameter: `/acts/{id}:cancel` wins over `/acts/{id}`.
 */
export function routerPath(template: string): string {
  let parameters = 0;
  return template
    .split('/')
    .map((segment) => {
      const isWhole = /^\{[^{}]*\}$/.test(segment);
      return segment
        .split(expression)
        .map((part, index) => {
          if (index % 2 === 0) return encodeURI(part).replaceAll(':', '::').replaceAll('*', '%2A');
          parameters += 1;
          return isWhole ? `:p${parameters}` : `:p${parameters}([^/]+?)`;
        })
        .join('');
    })
    .join('/');
}

/** A regular expression over the raw path of a URL that captures the raw text of each parameter, in order. */
export function pathExpression(template: string): { readonly expression: RegExp; readonly names: readonly string[] } {
  const names = [...template.matchAll(expression)].map((match) => match[1]!);
  const source = template
    .split('/')
    .map((segment) => segmentExpression(segment, '([^/]+?)'))
    .join('/');
  return { expression: new RegExp(`^${source}$`), names };
}

function segmentExpression(segment: string, parameter: string): string {
  let source = '';
  let end = 0;
  for (const match of segment.matchAll(expression)) {
    source += literal(segment.slice(end, match.index)) + parameter;
    end = match.index + match[0].length;
  }
  return source + literal(segment.slice(end));
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function identifier(text: string): string {
  const cleaned = text.replace(/[^A-Za-z0-9_]/g, (character) => `_${character.charCodeAt(0).toString(16)}`);
  return /^[A-Za-z_]/.test(cleaned) ? cleaned : `p${cleaned}`;
}

/** True for templates whose segments are a literal or one parameter: Nest and the router read them alike. */
export function isSimple(template: string): boolean {
  return template.split('/').every((segment) => /^\{[^{}]*\}$/.test(segment) || /^[\w.~-]*$/.test(segment));
}

/** Of a simple template: the name that the router has for each parameter. */
export function routerNames(template: string): ReadonlyMap<string, string> {
  return new Map([...template.matchAll(expression)].map((match) => [match[1]!, identifier(match[1]!)]));
}
