import {
  ContractDocument,
  type HeaderObject,
  type Operation,
  type ResponseObject,
  type Schema,
} from './contract-document.ts';
import { parseEventStream } from './event-stream.ts';
import { ResponseSchemas } from './response-schema.ts';

/** One request and the response to it, as they went over the wire. */
export interface Exchange {
  method: string;
  /** Path and query. */
  url: string;
  status: number;
  /** Lower-case names; a header sent more than once has several values. */
  headers: Record<string, string[]>;
  body: Buffer;
  /** The client went away before the response ended, so the body is a part only. */
  truncated?: boolean;
}

/** What an exchange proved when it conformed: one cell of the coverage table. */
export interface Observation {
  operation: string;
  status: string;
  /** Empty for a response without content. */
  mediaType: string;
}

export interface Verdict {
  violations: string[];
  observation?: Observation;
}

/** Fields of the HTTP layer itself (RFC 9110, RFC 9112) and of the browser's security model, which no contract lists. */
const UNLISTED_HEADERS = new Set([
  'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding', 'vary',
  'content-security-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy', 'origin-agent-cluster',
  'referrer-policy', 'strict-transport-security', 'x-content-type-options', 'x-dns-prefetch-control',
  'x-download-options', 'x-frame-options', 'x-permitted-cross-domain-policies', 'x-xss-protection',
]); // prettier-ignore

/** Holds every response against the text of the contract, with AJV 2020-12 and nothing of the generator. */
export class Verifier {
  readonly contract: ContractDocument;
  private readonly schemas: ResponseSchemas;

  constructor(contract: ContractDocument) {
    this.contract = contract;
    this.schemas = new ResponseSchemas(contract);
  }

  verify(exchange: Exchange): Verdict {
    const pathname = new URL(exchange.url, 'http://contract').pathname;
    const operation = this.contract.match(exchange.method, pathname);
    if (!operation) return { violations: [`${exchange.method} ${pathname}: the contract has no such operation`] };
    const response = declaredResponse(operation, exchange.status);
    const place = `${operation.id} ${exchange.status}`;
    if (!response) return { violations: [`${place}: status is not declared`] };
    const { mediaType, violations: bodyViolations } = this.verifyBody(exchange, response.object);
    const violations = [...bodyViolations, ...this.verifyHeaders(exchange, response.object)];
    return {
      violations: violations.map((violation) => `${place}: ${violation}`),
      observation: { operation: operation.id, status: response.key, mediaType },
    };
  }

  /** Every (operation, status, media type) that the contract declares. */
  declared(): Observation[] {
    return this.contract.operations.flatMap((operation) =>
      Object.entries(operation.responses).flatMap(([status, response]) => {
        const mediaTypes = Object.keys(response.content ?? {});
        return (mediaTypes.length > 0 ? mediaTypes : ['']).map((mediaType) => ({
          operation: operation.id,
          status,
          mediaType,
        }));
      }),
    );
  }

  /** What is wrong with a value under a schema of the contract, read as a response. */
  problems(schema: Schema, value: unknown): string[] {
    return this.schemas.problems(schema, value);
  }

  /** Throws when a schema of the contract does not compile, whether or not anything needed it. */
  compileAll(): void {
    this.schemas.compileAll();
    for (const operation of this.contract.operations) {
      for (const response of Object.values(operation.responses)) {
        for (const header of Object.values(response.headers ?? {}))
          if (header.schema) this.schemas.problems(header.schema, '');
        for (const media of Object.values(response.content ?? {})) {
          if (media.schema !== undefined) this.schemas.problems(media.schema, null);
          if (media['x-event-schema'] !== undefined) this.schemas.problems(media['x-event-schema'], null);
        }
      }
    }
  }

  private verifyBody(exchange: Exchange, response: ResponseObject): { mediaType: string; violations: string[] } {
    const content = response.content ?? {};
    const sent = exchange.headers['content-type']?.[0];
    if (Object.keys(content).length === 0) {
      return { mediaType: '', violations: exchange.body.length > 0 ? ['a body was sent where none is declared'] : [] };
    }
    if (sent === undefined) return { mediaType: '', violations: ['no Content-Type was sent'] };
    const mediaType = sent.split(';')[0]!.trim().toLowerCase();
    const declared = content[mediaType];
    if (!declared) return { mediaType, violations: [`media type ${mediaType} is not declared`] };
    const text = exchange.body.toString('utf8');
    if (mediaType === 'text/event-stream') {
      return {
        mediaType,
        violations: this.verifyEvents(text, declared['x-event-schema'], exchange.truncated === true),
      };
    }
    if (exchange.truncated) return { mediaType, violations: ['the response ended early'] };
    if (mediaType === 'application/json' || mediaType.endsWith('+json')) {
      return { mediaType, violations: this.verifyJson(text, declared.schema) };
    }
    return { mediaType, violations: declared.schema === undefined ? [] : this.schemas.problems(declared.schema, text) };
  }

  private verifyJson(text: string, schema: Schema | undefined): string[] {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return [`the body is not JSON: ${text.slice(0, 80)}`];
    }
    return schema === undefined ? [] : this.schemas.problems(schema, value);
  }

  private verifyEvents(text: string, schema: Schema | undefined, truncated: boolean): string[] {
    const violations: string[] = [];
    let last = -Infinity;
    for (const event of parseEventStream(text, { complete: !truncated })) {
      if (event.id !== undefined) {
        if (!(Number(event.id) > last)) violations.push(`event id ${event.id} does not follow ${last}`);
        last = Number(event.id);
      }
      const value = tryJson(event.data);
      if (value === undefined) violations.push(`event ${event.event} carries no JSON: ${event.data.slice(0, 80)}`);
      else if (schema !== undefined) {
        violations.push(...this.schemas.problems(schema, value).map((problem) => `event ${event.event}: ${problem}`));
      }
    }
    return violations;
  }

  private verifyHeaders(exchange: Exchange, response: ResponseObject): string[] {
    const violations: string[] = [];
    const declared = new Map(
      Object.entries(response.headers ?? {}).map(([name, header]) => [name.toLowerCase(), header]),
    );
    for (const [name, header] of declared) {
      const values = exchange.headers[name];
      if (values === undefined) {
        if (header.required) violations.push(`header ${name} is missing`);
      } else violations.push(...values.flatMap((value) => this.headerProblems(name, header, value)));
    }
    for (const name of Object.keys(exchange.headers)) {
      if (!declared.has(name) && !UNLISTED_HEADERS.has(name)) violations.push(`header ${name} is not declared`);
    }
    return violations;
  }

  private headerProblems(name: string, header: HeaderObject, value: string): string[] {
    if (header.schema === undefined) return [];
    const asText = this.schemas.problems(header.schema, value);
    if (asText.length === 0) return [];
    const parsed = tryJson(value);
    const asValue =
      typeof parsed === 'number' || typeof parsed === 'boolean' ? this.schemas.problems(header.schema, parsed) : asText;
    return asValue.map((problem) => `header ${name}: ${problem}`);
  }
}

function declaredResponse(operation: Operation, status: number): { key: string; object: ResponseObject } | undefined {
  for (const key of [String(status), `${Math.floor(status / 100)}XX`, 'default']) {
    const object = operation.responses[key];
    if (object) return { key, object };
  }
  return undefined;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
