/**
 * The server cannot start for a reason that the operator can remove. `main` prints the message and the remedy, without a
 * stack trace, and exits 1.
 */
export class StartupError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartupError';
    this.remedy = remedy;
  }
}
