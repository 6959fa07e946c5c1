import { DomainError } from '../domain-error.ts';

/** Names of secrets are how workflows find them, so each is there once. */
export class SecretNameTakenError extends DomainError {
  override readonly code = 'secret_name_taken';

  constructor(name: string, options?: ErrorOptions) {
    super(`There is already a secret named ${name}. Change that one, or choose another name.`, { name }, options);
  }
}

/** Names of credentials are how workflows find them, so each is there once. */
export class CredentialNameTakenError extends DomainError {
  override readonly code = 'credential_name_taken';

  constructor(name: string, options?: ErrorOptions) {
    super(`There is already a credential named ${name}. Change that one, or choose another name.`, { name }, options);
  }
}
