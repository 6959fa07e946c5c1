import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { SecretService } from '../../../domain/vault/secret.service.ts';
import { VaultRemoval } from '../../../domain/workflow/vault-removal.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toNewSecret, toSecret, toSecretChange } from './secrets.mapper.ts';

@Controller()
export class SecretsController implements contract.SecretsController {
  constructor(
    private readonly secrets: SecretService,
    private readonly removal: VaultRemoval,
  ) {}

  @contract.ListSecrets()
  async listSecrets(
    { query }: contract.ListSecrets.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListSecrets.Response> {
    const { page, per_page: perPage, ...filter } = query;
    const { items, total } = await this.secrets.list(organisationId, { page, perPage, ...filter });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListSecrets.respond(200, { data: items.map(toSecret), pagination });
  }

  @contract.CreateSecret()
  async createSecret(
    { body }: contract.CreateSecret.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.CreateSecret.Response> {
    const created = await this.secrets.create(organisationId, toNewSecret(body));
    const location = `/v1/secrets/${created.name}`;
    return contract.CreateSecret.respond(201, { data: toSecret(created) }, { Location: location });
  }

  @contract.GetSecret()
  async getSecret(
    { path }: contract.GetSecret.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetSecret.Response> {
    const found = await this.secrets.get(organisationId, path.secret_name);
    return contract.GetSecret.respond(200, { data: toSecret(found) });
  }

  @contract.UpdateSecret()
  async updateSecret(
    { path, body }: contract.UpdateSecret.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.UpdateSecret.Response> {
    const updated = await this.secrets.update(organisationId, path.secret_name, toSecretChange(body));
    return contract.UpdateSecret.respond(200, { data: toSecret(updated) });
  }

  @contract.DeleteSecret()
  async deleteSecret(
    { path, query }: contract.DeleteSecret.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.DeleteSecret.Response> {
    await this.removal.removeSecret(organisationId, path.secret_name, query);
    return contract.DeleteSecret.respond(204);
  }
}
