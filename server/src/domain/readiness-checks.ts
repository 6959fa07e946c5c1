/** What is wrong with one part, in words that everybody may read; undefined while it does its work. */
export type ReadinessCheck = () => string | undefined;

/**
 * Lets parts of this process say that they make no progress. While one does, the process is not ready: requests go
 * elsewhere, and whoever watches it sees why.
 */
export class ReadinessChecks {
  readonly #checks = new Map<string, ReadinessCheck>();

  /** `name` is shown as a component's name and is unique: snake_case, without the names of organisations or secrets. */
  add(name: string, check: ReadinessCheck): void {
    if (this.#checks.has(name)) throw new Error(`There is a readiness check named ${name} already.`);
    this.#checks.set(name, check);
  }

  /** Each part with its problem, in the order in which they were added. */
  results(): { name: string; problem: string | undefined }[] {
    return [...this.#checks].map(([name, check]) => ({ name, problem: check() }));
  }
}
