import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { Flowpact, type FlowpactOptions } from '#sdk';
import { startTestServer, type TestServer, type TestServerOptions } from '../../server/test/app.ts';
import { importOnce } from '../../server/test/import-once.ts';
import type { Operation } from '../verifier/contract-document.ts';
import type { PrismProxy } from '../verifier/prism.ts';
import type { Tap } from '../verifier/tap.ts';
import type { Verifier } from '../verifier/verifier.ts';
import { type CallOptions, type CallResult, send } from './send.ts';

export type { CallOptions, CallResult };

const ROOT = join(import.meta.dirname, '..', '..');
const REPORT = join(ROOT, 'contract-tests', '.report');

const watched = await importOnce<typeof import('./watched-contract.ts')>(
  new URL('watched-contract.ts', import.meta.url),
);

/** Knows the contract. */
export const { verifier } = watched;

/** Who can call operations by their id: a harness, or a plain client of a server that runs elsewhere. */
export interface ApiCaller {
  call(operationId: string, options?: CallOptions): Promise<CallResult>;
  readonly server: { readonly admin: { readonly email: string; readonly password: string } };
}

/** A server under test with everything that watches it. */
export class ContractHarness implements ApiCaller {
  readonly server: TestServer;
  readonly verifier: Verifier;
  readonly tap: Tap;
  private readonly prism: PrismProxy;
  private readonly prismComplaints: string[] = [];

  constructor(server: TestServer, verifier: Verifier, tap: Tap, prism: PrismProxy) {
    this.server = server;
    this.verifier = verifier;
    this.tap = tap;
    this.prism = prism;
  }

  static async start(options: TestServerOptions = {}): Promise<ContractHarness> {
    const server = await startTestServer(options);
    const tap = await watched.Tap.start(verifier, server.url);
    return new ContractHarness(server, verifier, tap, await watched.startPrism(watched.prismOperations, tap.url));
  }

  /** Where clients send to: every exchange is verified on its way. */
  get url(): string {
    return this.tap.url;
  }

  /** The generated SDK, through Prism and the tap. */
  sdk(options: { apiKey?: string; negative?: boolean; client?: FlowpactOptions } = {}): Flowpact {
    const { apiKey = this.server.admin.apiKey, negative = false, client } = options;
    return new Flowpact({ apiKey, baseUrl: this.url, fetch: this.fetch(negative), maxRetries: 0, ...client });
  }

  /** Sends a request that the contract allows and returns what came back. */
  call(operationId: string, options: CallOptions = {}): Promise<CallResult> {
    return this.send(this.verifier.contract.operation(operationId), options, false);
  }

  /**
   * Sends a request that must be refused, asking for both shapes of an error, and checks that each has the status and the
   * code. Returns the JSON one.
   */
  async refused(operationId: string, options: CallOptions, status: number, code: string): Promise<CallResult> {
    const operation = this.verifier.contract.operation(operationId);
    const asJson = await this.send(operation, options, true);
    expect({ status: asJson.status, code: asJson.body?.error?.code }).toEqual({ status, code });
    const accept = [options.headers?.['accept'] ?? successMediaType(operation), 'application/problem+json'].join(', ');
    const asProblem = await this.send(operation, { ...options, headers: { ...options.headers, accept } }, true);
    expect({ status: asProblem.status, code: asProblem.body?.code }).toEqual({ status, code });
    return asJson;
  }

  /** What the verifiers found wrong since the last call. */
  takeViolations(): string[] {
    return [...this.tap.takeViolations(), ...this.prismComplaints.splice(0)];
  }

  async close(): Promise<void> {
    await this.prism.close();
    await this.tap.close();
    await this.server.close();
  }

  private fetch(negative: boolean): typeof fetch {
    return watched.createVerifiedFetch({
      contract: this.verifier.contract,
      tapUrl: this.tap.url,
      prismUrl: this.prism.url,
      negative,
      onViolation: (violation) => this.prismComplaints.push(violation),
    });
  }

  private send(operation: Operation, options: CallOptions, negative: boolean): Promise<CallResult> {
    const { apiKey = this.server.admin.apiKey } = options;
    return send(this.fetch(negative), this.url, operation, { ...options, apiKey });
  }
}

/**
 * Starts a harness for the test file, fails each test whose exchanges broke the contract, and hands what was observed to the
 * coverage report.
 */
export function useContractHarness(options: TestServerOptions = {}): () => ContractHarness {
  let harness: ContractHarness | undefined;
  beforeAll(async () => {
    harness = await ContractHarness.start(options);
  });
  afterEach(() => {
    expect(harness?.takeViolations() ?? []).toEqual([]);
  });
  afterAll(async () => {
    if (!harness) return;
    new watched.CoverageStore(REPORT, 'platform').save(expect.getState().testPath!, harness.tap.observations);
    await harness.close();
  });
  return () => {
    if (!harness) throw new Error('The harness starts before the first test of the file.');
    return harness;
  };
}

/** The media type that a success of the operation has, for the Accept header of requests that prefer problem details. */
function successMediaType(operation: Operation): string {
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'));
  return Object.keys(success?.[1].content ?? {})[0] ?? '*/*';
}
