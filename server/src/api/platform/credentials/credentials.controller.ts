import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { CredentialService } from '../../../domain/vault/credential.service.ts';
import { VaultRemoval } from '../../../domain/workflow/vault-removal.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toCredential, toCredentialChange, toNewCredential } from './credentials.mapper.ts';

@Controller()
export class CredentialsController implements contract.CredentialsController {
  constructor(
    private readonly credentials: CredentialService,
    private readonly removal: VaultRemoval,
  ) {}

  @contract.ListCredentials()
  async listCredentials(
    { query }: contract.ListCredentials.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListCredentials.Response> {
    const { page, per_page: perPage, ...filter } = query;
    const { items, total } = await this.credentials.list(organisationId, { page, perPage, ...filter });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListCredentials.respond(200, { data: items.map(toCredential), pagination });
  }

  @contract.CreateCredential()
  async createCredential(
    { body }: contract.CreateCredential.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.CreateCredential.Response> {
    const created = await this.credentials.create(organisationId, toNewCredential(body));
    const location = `/v1/credentials/${created.id}`;
    return contract.CreateCredential.respond(201, { data: toCredential(created) }, { Location: location });
  }

  @contract.GetCredential()
  async getCredential(
    { path }: contract.GetCredential.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetCredential.Response> {
    const found = await this.credentials.get(organisationId, path.credential_id);
    return contract.GetCredential.respond(200, { data: toCredential(found) });
  }

  @contract.UpdateCredential()
  async updateCredential(
    { path, body }: contract.UpdateCredential.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.UpdateCredential.Response> {
    const updated = await this.credentials.update(organisationId, path.credential_id, toCredentialChange(body));
    return contract.UpdateCredential.respond(200, { data: toCredential(updated) });
  }

  @contract.DeleteCredential()
  async deleteCredential(
    { path, query }: contract.DeleteCredential.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.DeleteCredential.Response> {
    await this.removal.removeCredential(organisationId, path.credential_id, query);
    return contract.DeleteCredential.respond(204);
  }
}
