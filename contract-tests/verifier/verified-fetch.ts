import type { ContractDocument } from './contract-document.ts';
import { prismViolations, type PrismViolation } from './prism-violations.ts';

export interface VerifiedFetchOptions {
  contract: ContractDocument;
  /** Where the tap listens: the base URL that clients are given. */
  tapUrl: string;
  prismUrl: string;
  onViolation(violation: string): void;
  /** The test sends requests that break the contract on purpose, so Prism's complaints about requests do not count. */
  negative: boolean;
}

/**
 * A `fetch` that sends a request through Prism where Prism can carry it, and straight to the tap where Prism would break it
 * (streams, cookies, bodies that are no JSON) or check it against the wrong schema (other JSON than `application/json`, which it
 * takes for that). Either way the tap's verifier sees the exchange.
 */
export function createVerifiedFetch(options: VerifiedFetchOptions): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = request.body === null ? undefined : await request.clone().text();
    if (!prismCanCarry(options.contract, request, body)) return fetch(request);
    const target = request.url.replace(options.tapUrl, options.prismUrl);
    const response = await fetch(target, {
      method: request.method,
      headers: request.headers,
      body,
      signal: request.signal,
      redirect: 'manual',
    });
    for (const violation of prismViolations(response.headers)) report(violation, request, options);
    return response;
  };
}

function report(violation: PrismViolation, request: Request, options: VerifiedFetchOptions): void {
  if (options.negative && violation.location[0] === 'request') return;
  const { severity, location, message } = violation;
  options.onViolation(
    `Prism ${severity} on ${request.method} ${new URL(request.url).pathname} ${location.join('.')}: ${message}`,
  );
}

function prismCanCarry(contract: ContractDocument, request: Request, body: string | undefined): boolean {
  const operation = contract.match(request.method, new URL(request.url).pathname);
  if (!operation) return false;
  const responses = Object.values(operation.responses);
  const streams = responses.some((response) => response.content?.['text/event-stream'] !== undefined);
  const cookies = responses.some((response) =>
    Object.keys(response.headers ?? {}).some((name) => /^set-cookie$/i.test(name)),
  );
  if (streams || cookies || request.headers.has('cookie')) return false;
  if (request.headers.get('accept')?.includes('+json')) return false;
  if (body === undefined) return true;
  const type = request.headers.get('content-type') ?? '';
  return type.startsWith('application/json') ? isTruthyJson(body) : !type.includes('json');
}

function isTruthyJson(text: string): boolean {
  try {
    return Boolean(JSON.parse(text));
  } catch {
    return false;
  }
}
