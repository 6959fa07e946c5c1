/** What is measured about the storage of organisations, over all of them. */
export abstract class StorageMetrics {
  /** How many organisations store as much as they may, or more. */
  abstract full(organisations: number): void;
  /** A recount has found sums that were wrong. */
  abstract corrected(): void;
  /** Changes could not be added to the sums. */
  abstract settlingFailed(): void;
}
