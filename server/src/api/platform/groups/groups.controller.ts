import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { GroupService } from '../../../domain/group/group.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toGroup } from './groups.mapper.ts';

@Controller()
export class GroupsController implements contract.GroupsController {
  constructor(private readonly groups: GroupService) {}

  @contract.ListGroups()
  async listGroups(
    { query }: contract.ListGroups.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListGroups.Response> {
    const { page, per_page: perPage } = query;
    const { items, total } = await this.groups.list(organisationId, { page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListGroups.respond(200, { data: items.map(toGroup), pagination });
  }

  @contract.CreateGroup()
  async createGroup(
    { body }: contract.CreateGroup.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.CreateGroup.Response> {
    const created = await this.groups.create(organisationId, body);
    return contract.CreateGroup.respond(
      201,
      { data: toGroup(created) },
      { Location: `/v1/groups/${created.group.id}` },
    );
  }

  @contract.GetGroup()
  async getGroup(
    { path }: contract.GetGroup.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetGroup.Response> {
    return contract.GetGroup.respond(200, { data: toGroup(await this.groups.get(organisationId, path.group_id)) });
  }

  @contract.UpdateGroup()
  async updateGroup(
    { path, body }: contract.UpdateGroup.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.UpdateGroup.Response> {
    const updated = await this.groups.update(organisationId, path.group_id, body);
    return contract.UpdateGroup.respond(200, { data: toGroup(updated) });
  }

  @contract.DeleteGroup()
  async deleteGroup(
    { path }: contract.DeleteGroup.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.DeleteGroup.Response> {
    await this.groups.delete(organisationId, path.group_id);
    return contract.DeleteGroup.respond(204);
  }
}
