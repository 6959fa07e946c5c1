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

/** A request to an inbound URL does not prove who sent it. */
export class HookUnauthorizedError extends DomainError {
  override readonly code = 'invalid_credentials';

  constructor(type: string) {
    super(`${remedies[type] ?? 'The credentials are wrong.'}`);
  }
}

const remedies: Record<string, string> = {
  api_key: 'The key is missing or wrong. Send the secret of the trigger in its header.',
  bearer: 'The token is missing or wrong. Send the secret of the trigger as Authorization: Bearer.',
  hmac: 'The signature is missing, wrong or too old. Sign the request with the secret of the trigger.',
};
