import { Verifier } from '../verifier/verifier.ts';
import { preparedContract } from './prepared-contract.ts';

// What the harness watches a server with. `importOnce` loads it once for each worker, and so its schemas are compiled once.

export { CoverageStore } from '../verifier/coverage.ts';
export { startPrism } from '../verifier/prism.ts';
export { Tap } from '../verifier/tap.ts';
export { createVerifiedFetch } from '../verifier/verified-fetch.ts';

const prepared = preparedContract();

/** The contract in Prism's own words. */
export const prismOperations = prepared.prism;

/** Knows the contract. */
export const verifier = new Verifier(prepared.contract);
