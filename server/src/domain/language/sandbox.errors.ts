import { DomainError } from '../domain-error.ts';

/** Seconds after which somebody who was refused may ask again. */
const retryAfter = 5;

const messages = {
  busy: 'The server has more expressions and checks of your organisation to do than it can now. Try again in a few seconds.',
  unavailable: 'The server is stopping and evaluates nothing more. Try again in a few seconds.',
};

/** The sandbox has no turn for a task now; the same task may work in a moment. */
export class SandboxUnavailableError extends DomainError {
  override readonly code = 'service_unavailable';

  constructor(reason: keyof typeof messages) {
    super(messages[reason], { retry_after: retryAfter });
  }
}
