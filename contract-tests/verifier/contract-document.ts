import { bundle, createConfig } from '@redocly/openapi-core';

/** A JSON Schema object, or `true`/`false`. */
export type Schema = boolean | { [keyword: string]: unknown };

export interface ResponseObject {
  description: string;
  headers?: Record<string, HeaderObject>;
  content?: Record<string, MediaTypeObject>;
}

export interface HeaderObject {
  required?: boolean;
  schema?: Schema;
}

export interface MediaTypeObject {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown; summary?: string }>;
  /** What the `data` of each event of a stream looks like. */
  'x-event-schema'?: Schema;
}

export interface ParameterObject {
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  required?: boolean;
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  tag: string;
  parameters: ParameterObject[];
  requestBody?: { required?: boolean; content: Record<string, MediaTypeObject> };
  responses: Record<string, ResponseObject>;
  /** Alternatives of scheme -> scopes; empty means public. */
  security: Record<string, string[]>[];
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

type Node = Record<string, unknown>;

/** The contract as its text says it: bundled into one document, with internal references left in schemas. */
export class ContractDocument {
  readonly document: Node;
  readonly operations: readonly Operation[];
  /** Of the operations, in their order. */
  private readonly patterns: readonly RegExp[];

  private constructor(document: Node) {
    this.document = document;
    this.operations = this.readOperations();
    this.patterns = this.operations.map(({ path }) => pathPattern(path));
  }

  /** Reads and bundles the contract; throws when a reference does not resolve. */
  static async load(file: string): Promise<ContractDocument> {
    const { bundle: bundled, problems } = await bundle({ ref: file, config: await createConfig({}) });
    const errors = problems.filter((problem) => problem.severity === 'error');
    if (errors.length > 0) throw new Error(`${file} does not bundle: ${errors.map((e) => e.message).join('; ')}`);
    return new ContractDocument(structuredClone(bundled.parsed) as Node);
  }

  /** For tests of the verifier itself. */
  static of(document: Node): ContractDocument {
    return new ContractDocument(document);
  }

  /** The operation that a request belongs to; a literal segment wins over a parameter (OpenAPI 3.1 section 4.8.8.2). */
  match(method: string, pathname: string): Operation | undefined {
    const candidates = this.operations.filter(
      (operation, index) => operation.method === method.toUpperCase() && this.patterns[index]!.test(pathname),
    );
    return candidates.sort((a, b) => partCount(a.path) - partCount(b.path))[0];
  }

  operation(id: string): Operation {
    const found = this.operations.find((operation) => operation.id === id);
    if (!found) throw new Error(`The contract has no operation ${id}.`);
    return found;
  }

  /** Follows `$ref` chains of non-schema objects and of schemas where the caller needs to look inside. */
  resolve<T>(value: T): T {
    let current: unknown = value;
    while (typeof current === 'object' && current !== null && typeof (current as Node)['$ref'] === 'string') {
      current = this.pointer((current as Node)['$ref'] as string);
    }
    return current as T;
  }

  private pointer(reference: string): unknown {
    if (!reference.startsWith('#/')) throw new Error(`Reference ${reference} is not internal to the bundle.`);
    let node: unknown = this.document;
    for (const token of reference.slice(2).split('/')) {
      node = (node as Node)?.[decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    if (node === undefined) throw new Error(`Reference ${reference} leads nowhere.`);
    return node;
  }

  private readOperations(): Operation[] {
    const operations: Operation[] = [];
    const globalSecurity = (this.document['security'] ?? []) as Record<string, string[]>[];
    for (const [path, item] of Object.entries((this.document['paths'] ?? {}) as Record<string, Node>)) {
      const pathItem = this.resolve(item);
      for (const method of METHODS) {
        const raw = pathItem[method] as Node | undefined;
        if (!raw) continue;
        const parameters = [
          ...((pathItem['parameters'] as unknown[]) ?? []),
          ...((raw['parameters'] as unknown[]) ?? []),
        ];
        operations.push({
          id: raw['operationId'] as string,
          method: method.toUpperCase(),
          path,
          tag: ((raw['tags'] as string[]) ?? [])[0] ?? '',
          parameters: parameters.map((parameter) => this.resolve(parameter) as ParameterObject),
          requestBody: this.resolve(raw['requestBody']) as Operation['requestBody'],
          responses: this.readResponses(raw['responses'] as Record<string, unknown>),
          security: (raw['security'] as Record<string, string[]>[]) ?? globalSecurity,
        });
      }
    }
    return operations;
  }

  private readResponses(responses: Record<string, unknown>): Record<string, ResponseObject> {
    return Object.fromEntries(
      Object.entries(responses).map(([status, value]) => {
        const response = this.resolve(value) as ResponseObject;
        const headers = Object.fromEntries(
          Object.entries(response.headers ?? {}).map(([name, header]) => [name, this.resolve(header)]),
        );
        return [status, { ...response, headers }];
      }),
    );
  }
}

function pathPattern(template: string): RegExp {
  const source = template.split(/(\{[^}]+\})/).map((part) => (part.startsWith('{') ? '[^/]+' : escape(part)));
  return new RegExp(`^${source.join('')}$`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function partCount(template: string): number {
  return template.split('{').length;
}
