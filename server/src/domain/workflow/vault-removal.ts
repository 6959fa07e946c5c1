import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type VaultReference, vaultUse, type WorkflowDefinition } from '../language/index.ts';
import { NodeRegistry } from '../nodes/index.ts';
import { CredentialService } from '../vault/credential.service.ts';
import { SecretService } from '../vault/secret.service.ts';
import { CredentialInUseError, SecretInUseError, type Users } from '../vault/vault.errors.ts';

/** How a secret or a credential is removed. */
export interface Removal {
  /** Whether workflows that use it count for nothing. */
  readonly force: boolean;
}

/** Workflows that are told. */
const mostTold = 20;
/** Workflows whose definitions are in memory at once. */
const batchSize = 20;

/** Removes secrets and credentials that no workflow uses, other than archived ones. */
@Injectable()
export class VaultRemoval {
  constructor(
    private readonly secrets: SecretService,
    private readonly credentials: CredentialService,
    private readonly nodeTypes: NodeRegistry,
  ) {}

  /** Throws ResourceNotFoundError, SecretInUseError. */
  removeSecret(organisationId: string, name: string, { force }: Removal): Promise<void> {
    return this.secrets.delete(organisationId, name, async (em) => {
      const users = force ? nobody : await this.#usersOf(em, organisationId, 'secret', name);
      if (users.count > 0) throw new SecretInUseError(name, users);
    });
  }

  /** Throws ResourceNotFoundError, CredentialInUseError. */
  removeCredential(organisationId: string, id: string, { force }: Removal): Promise<void> {
    return this.credentials.delete(organisationId, id, async (em, { name }) => {
      const users = force ? nobody : await this.#usersOf(em, organisationId, 'credential', name);
      if (users.count > 0) throw new CredentialInUseError(name, users);
    });
  }

  async #usersOf(
    em: EntityManager,
    organisationId: string,
    kind: VaultReference['kind'],
    name: string,
  ): Promise<Users> {
    const isUsedIn = (definition: WorkflowDefinition): boolean =>
      vaultUse(definition, this.nodeTypes).references.some((found) => found.kind === kind && found.name === name);
    // A definition that names something has the name in its text, as JSON writes it.
    const text = JSON.stringify(name).slice(1, -1);
    const workflows: { id: string; name: string }[] = [];
    let count = 0;
    let last: Place | undefined;
    for (;;) {
      const batch: Candidate[] = await em.execute(candidates(last), [organisationId, text, text, ...placeOf(last)]);
      for (const { id, name: called, draft, published } of batch) {
        if (!isUsedIn(draft) && !(published && isUsedIn(published))) continue;
        count += 1;
        if (workflows.length < mostTold) workflows.push({ id, name: called });
      }
      last = batch.at(-1);
      if (batch.length < batchSize) return { workflows, count };
    }
  }
}

const nobody: Users = { workflows: [], count: 0 };

interface Place {
  readonly id: string;
  readonly name: string;
}

interface Candidate extends Place {
  readonly draft: WorkflowDefinition;
  /** Null where it is the draft too, or there is none. */
  readonly published: WorkflowDefinition | null;
}

function placeOf(last: Place | undefined): string[] {
  return last ? [last.name, last.id] : [];
}

/** The next workflows by name whose draft or published version has a text somewhere. */
function candidates(last: Place | undefined): string {
  return `select workflow.id, name, workflow.definition as draft, published.definition as published
    from workflow
    left join workflow_version published on published.workflow_id = workflow.id
      and published.version = published_version and published.definition_hash <> workflow.definition_hash
    where workflow.organisation_id = ? and status <> 'archived'
      and (strpos(workflow.definition::text, ?) > 0 or strpos(published.definition::text, ?) > 0)
      ${last ? 'and (name, workflow.id) > (?, ?)' : ''}
    order by name, workflow.id limit ${batchSize}`;
}
