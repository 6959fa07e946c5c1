import type { ApiCaller, CallOptions, ContractHarness } from '../contract-harness.ts';

/** What the general suites (matrix, faults, idempotency, examples, mutations) need to call the operations of one tag. */
export interface TagRequests {
  /** One good request per operation; its effects are harmless to the others unless it is sent. */
  good(harness: ApiCaller): Promise<Record<string, CallOptions>>;
  /** Per operation that takes an `Idempotency-Key`: a fresh request, and another body for it. */
  readonly idempotent?: Record<string, (harness: ContractHarness) => Promise<{ first: CallOptions; other: unknown }>>;
  /** Operations whose path names what belongs to everybody, so that no caller is a stranger to it. */
  readonly shared?: readonly string[];
  /** Tables that the idempotent operations write to. */
  readonly writes?: readonly string[];
  /** What a request example needs around it: real ids and credentials where the example can only have invented ones. */
  readonly around?: Record<string, (harness: ContractHarness, example: any) => Promise<CallOptions>>; // eslint-disable-line typescript/no-explicit-any -- examples are checked against the contract before
}
