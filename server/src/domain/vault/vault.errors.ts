import { DomainError } from '../domain-error.ts';

/** The workflows that use something: the first of them, and how many there are. */
export interface Users {
  readonly workflows: readonly { readonly id: string; readonly name: string }[];
  readonly count: number;
}

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

/** Workflows would fail without the secret. */
export class SecretInUseError extends DomainError {
  override readonly code = 'secret_in_use';

  constructor(name: string, users: Users) {
    super(inUse('secret', name, users), { name, workflows: users.workflows, workflow_count: users.count });
  }
}

/** Workflows would fail without the credential. */
export class CredentialInUseError extends DomainError {
  override readonly code = 'credential_in_use';

  constructor(name: string, users: Users) {
    super(inUse('credential', name, users), { name, workflows: users.workflows, workflow_count: users.count });
  }
}

function inUse(what: string, name: string, { count }: Users): string {
  const by = count === 1 ? '1 workflow' : `${count} workflows`;
  return `The ${what} ${name} is used by ${by}. Take it out of there first, or delete it all the same with force=true.`;
}
