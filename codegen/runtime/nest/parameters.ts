import type { ParameterDescriptor, ParameterGroup, Shape } from './contract.ts';
import type { FieldError } from './failure.ts';
import { fieldErrors } from './validation-messages.ts';

/** OpenAPI 3.1 section 4.8.12: the text of parameters becomes values by style, explode and the types of their schema. */

type Location = 'path' | 'query' | 'header' | 'cookie';
type Values = Record<string, unknown>;

/** A problem with the text of one parameter. */
class MalformedParameter extends Error {}

/** Percent-decoding; RFC 3986 section 2.1. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MalformedParameter('is not valid percent-encoding');
  }
}

/** Also `+` as a space, as forms and URLSearchParams write it. */
function decodeQuery(text: string): string {
  return decode(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The value that a text stands for; left as text where no type fits, so that the validator says what is expected. */
export function primitive(text: string, shape: Shape): unknown {
  if (shape.kind !== 'primitive') return text;
  for (const type of shape.types) {
    if ((type === 'integer' || type === 'number') && jsonNumber.test(text)) return Number(text);
    if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
    if (type === 'null' && text === 'null') return null;
  }
  if (text === '' && shape.types.includes('null') && !shape.types.includes('string')) return null;
  return text;
}

const twoThings = 'must not be a value and an object at once';

const anything: Shape = { kind: 'primitive', types: ['string'] };

function propertyShape(shape: Shape, name: string): Shape {
  if (shape.kind !== 'object') return anything;
  return (Object.hasOwn(shape.properties, name) ? shape.properties[name] : undefined) ?? shape.additional ?? anything;
}

/** A plain assignment to `__proto__` would change the object's prototype instead. */
function assign(target: Values, name: string, value: unknown): void {
  if (name === '__proto__') throw new MalformedParameter('holds a name that is not allowed');
  target[name] = value;
}

function arrayOf(parts: readonly string[], shape: Shape, unescape: (text: string) => string): unknown[] {
  const items = shape.kind === 'array' ? shape.items : anything;
  return parts.map((part) => primitive(unescape(part), items));
}

/** `name,value,name,value`, or `name=value,name=value` when exploded. */
function objectOf(
  parts: readonly string[],
  shape: Shape,
  exploded: boolean,
  unescape: (text: string) => string,
): Values {
  const result: Values = {};
  if (exploded) {
    for (const part of parts) {
      const at = part.indexOf('=');
      const name = unescape(at === -1 ? part : part.slice(0, at));
      assign(result, name, primitive(unescape(at === -1 ? '' : part.slice(at + 1)), propertyShape(shape, name)));
    }
    return result;
  }
  if (parts.length % 2 === 1) throw new MalformedParameter('must be a list of names and values');
  for (let index = 0; index < parts.length; index += 2) {
    const name = unescape(parts[index]!);
    assign(result, name, primitive(unescape(parts[index + 1]!), propertyShape(shape, name)));
  }
  return result;
}

/** A value written as one text with a separator: split first, unescaped after, so that `%2C` stays inside an item. */
function delimited(
  text: string,
  separator: RegExp | string,
  shape: Shape,
  exploded: boolean,
  unescape: (text: string) => string,
): unknown {
  if (shape.kind === 'primitive') return primitive(unescape(text), shape);
  const parts = text === '' ? [] : text.split(separator);
  return shape.kind === 'array' ? arrayOf(parts, shape, unescape) : objectOf(parts, shape, exploded, unescape);
}

function parseContent(text: string, mediaType: string): unknown {
  if (!/[/+]json$/i.test(mediaType.split(';')[0]!.trim())) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new MalformedParameter('is not valid JSON');
  }
}

const unchanged = (text: string) => text;

/** Reads a path parameter from its raw segment text: styles simple, label and matrix. */
export function readPathParameter(raw: string, { name, style, explode, content, shape }: ParameterDescriptor): unknown {
  if (content !== undefined) return parseContent(decode(raw), content);
  if (style === 'label') {
    if (!raw.startsWith('.')) throw new MalformedParameter('must begin with "."');
    return delimited(raw.slice(1), explode ? '.' : ',', shape, explode, decode);
  }
  if (style === 'matrix') return readMatrix(raw, name, explode, shape);
  return delimited(raw, ',', shape, explode, decode);
}

function readMatrix(raw: string, name: string, explode: boolean, shape: Shape): unknown {
  if (!raw.startsWith(';')) throw new MalformedParameter('must begin with ";"');
  const parts = raw.slice(1).split(';');
  if (shape.kind === 'object' && explode) return objectOf(parts, shape, true, decode);
  const values = parts.map((part) => {
    const at = part.indexOf('=');
    if (decode(at === -1 ? part : part.slice(0, at)) !== name)
      throw new MalformedParameter(`must be written as ;${name}=`);
    return at === -1 ? '' : part.slice(at + 1);
  });
  if (shape.kind === 'array' && explode) return arrayOf(values, shape, decode);
  return delimited(values[0]!, ',', shape, false, decode);
}

/** Reads a header: style simple. Whitespace around items is not part of them. */
export function readHeader(text: string, { explode, content, shape }: ParameterDescriptor): unknown {
  if (content !== undefined) return parseContent(text, content);
  if (shape.kind === 'primitive') return primitive(text, shape);
  return delimited(text.trim(), /\s*,\s*/, shape, explode, unchanged);
}

/** Reads one occurrence of a query parameter or cookie that is not exploded into several. */
function readDelimited(raw: string, { style, shape }: ParameterDescriptor): unknown {
  const separator = style === 'spaceDelimited' ? /%20|\+| /g : style === 'pipeDelimited' ? /%7C|\|/gi : ',';
  return delimited(raw, separator, shape, false, decodeQuery);
}

type Pair = readonly [name: string, raw: string];

function pairsOf(query: string): Pair[] {
  const pairs: Pair[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    pairs.push(at === -1 ? [decodeQuery(part), ''] : [decodeQuery(part.slice(0, at)), part.slice(at + 1)]);
  }
  return pairs;
}

/** Takes pairs out of a query string for its parameters; what no parameter takes is unknown. */
export class QueryReader {
  private readonly parameters = new Map<string, ParameterDescriptor>();
  /** Objects with `style: form, explode: true`: their properties stand in the query by themselves. */
  private readonly spread = new Map<string, ParameterDescriptor>();
  private readonly free: ParameterDescriptor | undefined;
  /** Names that something other than the operation reads, such as an API key. */
  private readonly reserved: ReadonlySet<string>;

  constructor(parameters: readonly ParameterDescriptor[], reserved: readonly string[] = []) {
    this.reserved = new Set(reserved);
    for (const parameter of parameters) {
      const { name, shape, explode, style, content } = parameter;
      if (content === undefined && shape.kind === 'object' && explode && style === 'form') {
        for (const property of Object.keys(shape.properties)) this.spread.set(property, parameter);
        if (shape.additional !== undefined) this.free ??= parameter;
      } else {
        this.parameters.set(name, parameter);
      }
    }
  }

  read(query: string, values: Values, errors: FieldError[], location: 'query' | 'body' = 'query'): void {
    let pairs: Pair[];
    try {
      pairs = pairsOf(query);
    } catch (error) {
      errors.push({ field: '', message: (error as Error).message, location });
      return;
    }
    for (const [name, raw] of pairs) {
      try {
        if (!this.take(name, raw, values))
          errors.push({
            field: name,
            message: `is not a known ${location === 'query' ? 'query parameter' : 'field'}`,
            location,
          });
      } catch (error) {
        if (!(error instanceof MalformedParameter)) throw error;
        errors.push({ field: name, message: error.message, location });
      }
    }
  }

  private take(name: string, raw: string, values: Values): boolean {
    const parameter = this.parameters.get(name);
    if (parameter !== undefined && parameter.style !== 'deepObject') {
      takeWhole(parameter, raw, values);
      return true;
    }
    if (this.takeDeep(name, raw, values)) return true;
    const owner = this.spread.get(name) ?? (this.reserved.has(name) ? undefined : this.free);
    if (owner === undefined) return this.reserved.has(name);
    const object = (values[owner.name] ??= {}) as Values;
    appendTo(object, name, raw, propertyShape(owner.shape, name));
    return true;
  }

  /** `filter[status]=a&filter[tags][]=b`. */
  private takeDeep(name: string, raw: string, values: Values): boolean {
    const [, owner = '', brackets = ''] = /^([^[]*)((?:\[[^[\]]*\])+)$/.exec(name) ?? [];
    const parameter = this.parameters.get(owner);
    if (parameter?.style !== 'deepObject') return false;
    const keys = brackets.slice(1, -1).split('][');
    if (keys.at(-1) === '' && keys.length > 1) keys.pop();
    let shape = parameter.shape;
    let object = (values[parameter.name] ??= {}) as Values;
    for (const key of keys.slice(0, -1)) {
      shape = propertyShape(shape, key);
      if (!Object.hasOwn(object, key)) assign(object, key, {});
      const next = object[key];
      if (typeof next !== 'object' || next === null || Array.isArray(next)) throw new MalformedParameter(twoThings);
      object = next as Values;
    }
    const last = keys.at(-1)!;
    appendTo(object, last, raw, propertyShape(shape, last));
    return true;
  }
}

function takeWhole(parameter: ParameterDescriptor, raw: string, values: Values): void {
  const { name, shape, explode, content } = parameter;
  if (content === undefined && shape.kind === 'array' && explode) {
    appendTo(values, name, raw, shape);
    return;
  }
  if (Object.hasOwn(values, name)) throw new MalformedParameter('must not be given more than once');
  values[name] = content === undefined ? readDelimited(raw, parameter) : parseContent(decodeQuery(raw), content);
}

/** One occurrence of a name: an item where its shape is an array, else the only value. */
function appendTo(object: Values, name: string, raw: string, shape: Shape): void {
  const text = decodeQuery(raw);
  if (shape.kind === 'array') {
    const value = primitive(text, shape.items);
    const items = object[name];
    if (Array.isArray(items)) items.push(value);
    else if (Object.hasOwn(object, name)) throw new MalformedParameter(twoThings);
    else assign(object, name, [value]);
    return;
  }
  if (Object.hasOwn(object, name)) throw new MalformedParameter('must not be given more than once');
  assign(object, name, primitive(text, shape));
}

/** Cookies by name, raw. RFC 6265 section 5.4; the first of a name counts. */
export function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at === -1) continue;
    const name = part.slice(0, at).trim();
    const text = part.slice(at + 1).trim();
    if (!cookies.has(name)) cookies.set(name, /^".*"$/.test(text) ? text.slice(1, -1) : text);
  }
  return cookies;
}

/** Reads `parameters` with `read`, which gives undefined for one that is absent. */
export function readEach(
  parameters: readonly ParameterDescriptor[],
  location: Location,
  errors: FieldError[],
  read: (parameter: ParameterDescriptor) => unknown,
): Values {
  const values: Values = {};
  for (const parameter of parameters) {
    try {
      const value = read(parameter);
      if (value !== undefined) values[parameter.name] = value;
    } catch (error) {
      if (!(error instanceof MalformedParameter)) throw error;
      errors.push({ field: parameter.name, message: error.message, location });
    }
  }
  return values;
}

/** Checks decoded values (which fills in defaults); what could not be decoded is not reported again as missing. */
export function checkGroup(group: ParameterGroup, location: Location, values: Values, errors: FieldError[]): void {
  if (group.validate === undefined || group.validate(values)) return;
  const malformed = new Set(errors.filter((error) => error.location === location).map((error) => error.field));
  errors.push(...fieldErrors(group.validate.errors, location).filter((error) => !malformed.has(error.field)));
}

/** Reads a cookie: style form. */
export function readCookie(raw: string, parameter: ParameterDescriptor): unknown {
  const { content, shape } = parameter;
  if (content !== undefined) return parseContent(decode(raw), content);
  return delimited(raw, ',', shape, false, decode);
}
