import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { PublicUrl } from '../../../domain/public-url.ts';
import { TriggerService } from '../../../domain/trigger/trigger.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toExecution } from '../executions/executions.mapper.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toManualFiring, toNewTrigger, toTrigger, toTriggerChange, toTriggerQuery } from './triggers.mapper.ts';

@Controller()
export class TriggersController implements contract.TriggersController {
  constructor(
    private readonly triggers: TriggerService,
    private readonly urls: PublicUrl,
  ) {}

  @contract.ListTriggers()
  async listTriggers(
    { query }: contract.ListTriggers.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListTriggers.Response> {
    const { items, total } = await this.triggers.list(caller.organisationId, toTriggerQuery(query));
    const pagination = toPagePagination(query.page, query.per_page, total);
    return contract.ListTriggers.respond(200, { data: items.map((item) => toTrigger(item, this.urls)), pagination });
  }

  @contract.CreateTrigger()
  async createTrigger(
    { body }: contract.CreateTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateTrigger.Response> {
    const { trigger, secret } = await this.triggers.create(caller, toNewTrigger(body));
    const data = { trigger: toTrigger(trigger, this.urls), secret };
    return contract.CreateTrigger.respond(201, { data }, { Location: `/v1/triggers/${trigger.id}` });
  }

  @contract.GetTrigger()
  async getTrigger(
    { path }: contract.GetTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetTrigger.Response> {
    const trigger = await this.triggers.get(caller.organisationId, path.trigger_id);
    return contract.GetTrigger.respond(200, { data: toTrigger(trigger, this.urls) });
  }

  @contract.UpdateTrigger()
  async updateTrigger(
    { path, body }: contract.UpdateTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateTrigger.Response> {
    const trigger = await this.triggers.update(caller, path.trigger_id, toTriggerChange(body));
    return contract.UpdateTrigger.respond(200, { data: toTrigger(trigger, this.urls) });
  }

  @contract.DeleteTrigger()
  async deleteTrigger(
    { path }: contract.DeleteTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteTrigger.Response> {
    await this.triggers.delete(caller.organisationId, path.trigger_id);
    return contract.DeleteTrigger.respond(204);
  }

  @contract.EnableTrigger()
  async enableTrigger(
    { path }: contract.EnableTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.EnableTrigger.Response> {
    const trigger = await this.triggers.enable(caller, path.trigger_id);
    return contract.EnableTrigger.respond(200, { data: toTrigger(trigger, this.urls) });
  }

  @contract.DisableTrigger()
  async disableTrigger(
    { path }: contract.DisableTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DisableTrigger.Response> {
    const trigger = await this.triggers.disable(caller.organisationId, path.trigger_id);
    return contract.DisableTrigger.respond(200, { data: toTrigger(trigger, this.urls) });
  }

  @contract.ExecuteTrigger()
  async executeTrigger(
    { path, body }: contract.ExecuteTrigger.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ExecuteTrigger.Response> {
    const execution = await this.triggers.execute(caller, path.trigger_id, toManualFiring(body));
    const headers = { Location: `/v1/executions/${execution.id}` };
    return contract.ExecuteTrigger.respond(202, { data: toExecution(execution) }, headers);
  }

  @contract.RotateTriggerSecret()
  async rotateTriggerSecret(
    { path, body }: contract.RotateTriggerSecret.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.RotateTriggerSecret.Response> {
    const rotation = { secret: body?.secret, overlapSeconds: body?.overlap_seconds };
    const { trigger, secret } = await this.triggers.rotateSecret(caller, path.trigger_id, rotation);
    const data = { trigger: toTrigger(trigger, this.urls), secret };
    return contract.RotateTriggerSecret.respond(200, { data });
  }
}
