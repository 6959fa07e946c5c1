import { DomainError } from '../domain-error.ts';

/** The trigger starts nothing until it is enabled. */
export class TriggerDisabledError extends DomainError {
  override readonly code = 'trigger_disabled';

  constructor(id: string) {
    super('This trigger is disabled. Enable it first.', { id });
  }
}

/** Only webhook triggers have a secret. */
export class TriggerWithoutSecretError extends DomainError {
  override readonly code = 'trigger_without_secret';

  constructor(kind: string) {
    super(`A ${kind} trigger has no secret; only webhook triggers do.`, { kind });
  }
}
