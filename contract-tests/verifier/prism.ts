import { createLogger } from '@stoplight/prism-core';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { createServer } from '@stoplight/prism-http-server';
import type { ContractDocument } from './contract-document.ts';
import { shareEqualParts } from './shared-parts.ts';

export interface PrismProxy {
  url: string;
  close(): Promise<void>;
}

/** Without this dialect Prism validates as draft-07; with any it does not know, it validates nothing. */
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** A contract in Prism's own words. */
export type PrismOperations = Awaited<ReturnType<typeof getHttpOperationsFromSpec>>;

export async function readPrismOperations({ document }: ContractDocument): Promise<PrismOperations> {
  const operations = await getHttpOperationsFromSpec({ ...structuredClone(document), jsonSchemaDialect: DIALECT });
  return shareEqualParts(operations);
}

/** Starts Prism as a validating proxy before `upstream`. It forwards everything and reports in `sl-violations`. */
export async function startPrism(operations: PrismOperations, upstream: string): Promise<PrismProxy> {
  const server = createServer(operations, {
    components: { logger: createLogger('prism', { level: 'silent' }) },
    cors: false,
    config: {
      isProxy: true,
      upstream: new URL(upstream),
      upstreamProxy: undefined,
      checkSecurity: true,
      validateRequest: true,
      validateResponse: true,
      errors: false,
      mock: { dynamic: false },
    },
  });
  const url = await server.listen(0, '127.0.0.1');
  return { url, close: () => server.close() };
}
