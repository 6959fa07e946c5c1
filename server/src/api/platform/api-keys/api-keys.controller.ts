import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { ApiKeyService } from '../../../domain/api-key/api-key.service.ts';
import type { Caller } from '../../../domain/caller.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { scopeCatalogue, toApiKey, toApiKeyChange, toCreatedApiKey, toNewApiKey } from './api-keys.mapper.ts';

const defaultOverlapSeconds = 24 * 60 * 60;

@Controller()
export class ApiKeysController implements contract.ApiKeysController {
  constructor(private readonly apiKeys: ApiKeyService) {}

  @contract.ListApiKeys()
  async listApiKeys(
    { query }: contract.ListApiKeys.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListApiKeys.Response> {
    const { status, page, per_page: perPage } = query;
    const { items, total } = await this.apiKeys.list(caller.organisationId, { status, page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListApiKeys.respond(200, { data: items.map(toApiKey), pagination });
  }

  @contract.CreateApiKey()
  async createApiKey(
    { body }: contract.CreateApiKey.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateApiKey.Response> {
    const created = await this.apiKeys.create(caller, toNewApiKey(body));
    const location = `/v1/api-keys/${created.apiKey.id}`;
    return contract.CreateApiKey.respond(201, { data: toCreatedApiKey(created) }, { Location: location });
  }

  @contract.GetApiKey()
  async getApiKey(
    { path }: contract.GetApiKey.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetApiKey.Response> {
    const apiKey = await this.apiKeys.get(caller.organisationId, path.api_key_id);
    return contract.GetApiKey.respond(200, { data: toApiKey(apiKey) });
  }

  @contract.UpdateApiKey()
  async updateApiKey(
    { path, body }: contract.UpdateApiKey.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateApiKey.Response> {
    const apiKey = await this.apiKeys.update(caller, path.api_key_id, toApiKeyChange(body));
    return contract.UpdateApiKey.respond(200, { data: toApiKey(apiKey) });
  }

  @contract.RotateApiKey()
  async rotateApiKey(
    { path, body }: contract.RotateApiKey.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.RotateApiKey.Response> {
    const overlapSeconds = body?.overlap_seconds ?? defaultOverlapSeconds;
    const rotated = await this.apiKeys.rotate(caller, path.api_key_id, overlapSeconds);
    return contract.RotateApiKey.respond(200, { data: toCreatedApiKey(rotated) });
  }

  @contract.RevokeApiKey()
  async revokeApiKey(
    { path }: contract.RevokeApiKey.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.RevokeApiKey.Response> {
    await this.apiKeys.revoke(caller, path.api_key_id);
    return contract.RevokeApiKey.respond(204);
  }

  @contract.ListScopes()
  async listScopes(_request: contract.ListScopes.Request): Promise<contract.ListScopes.Response> {
    return contract.ListScopes.respond(200, { data: scopeCatalogue });
  }
}
