import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import type { Json } from '../../../domain/domain-error.ts';
import { KvService } from '../../../domain/kv/kv.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { placeOf, toKvEntry, toKvEntrySummary } from './kv.mapper.ts';

@Controller()
export class KvController implements contract.KvController {
  constructor(private readonly kv: KvService) {}

  @contract.ListKvEntries()
  async listKvEntries(
    { query }: contract.ListKvEntries.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListKvEntries.Response> {
    const { page, per_page: perPage, prefix } = query;
    const { items, total } = await this.kv.list(placeOf(organisationId, query), { page, perPage, prefix });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListKvEntries.respond(200, { data: items.map(toKvEntrySummary), pagination });
  }

  @contract.GetKvEntry()
  async getKvEntry(
    { path, query }: contract.GetKvEntry.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetKvEntry.Response> {
    const found = await this.kv.get(placeOf(organisationId, query), path.key);
    return contract.GetKvEntry.respond(200, { data: toKvEntry(found) });
  }

  @contract.SetKvEntry()
  async setKvEntry(
    { path, query, body }: contract.SetKvEntry.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.SetKvEntry.Response> {
    const { value, ttl, if_version: ifVersion } = body;
    const set = await this.kv.set(placeOf(organisationId, query), path.key, { value: value as Json, ttl, ifVersion });
    return contract.SetKvEntry.respond(200, { data: toKvEntry(set) });
  }

  @contract.AppendToKvEntry()
  async appendToKvEntry(
    { path, query, body }: contract.AppendToKvEntry.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.AppendToKvEntry.Response> {
    const { item, max_items: maxItems, ttl } = body;
    const appended = await this.kv.append(placeOf(organisationId, query), path.key, {
      item: item as Json,
      maxItems,
      ttl,
    });
    return contract.AppendToKvEntry.respond(200, { data: toKvEntry(appended) });
  }

  @contract.DeleteKvEntry()
  async deleteKvEntry(
    { path, query }: contract.DeleteKvEntry.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.DeleteKvEntry.Response> {
    await this.kv.remove(placeOf(organisationId, query), path.key, query.if_version);
    return contract.DeleteKvEntry.respond(204);
  }
}
