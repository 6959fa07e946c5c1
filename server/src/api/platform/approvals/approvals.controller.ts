import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ApprovalService } from '../../../domain/execution/approval.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toCursorPagination } from '../executions/executions.mapper.ts';
import { toApproval } from './approvals.mapper.ts';

@Controller()
export class ApprovalsController implements contract.ApprovalsController {
  constructor(private readonly approvals: ApprovalService) {}

  @contract.ListApprovals()
  async listApprovals(
    { query }: contract.ListApprovals.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListApprovals.Response> {
    const { status: statuses, execution_id: executionId, page, per_page: perPage, cursor } = query;
    const slice = await this.approvals.list(organisationId, { statuses, executionId, page, perPage, cursor });
    const pagination = toCursorPagination(slice, perPage);
    return contract.ListApprovals.respond(200, { data: slice.items.map(toApproval), pagination });
  }

  @contract.GetApproval()
  async getApproval(
    { path }: contract.GetApproval.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetApproval.Response> {
    const approval = await this.approvals.get(organisationId, path.approval_id);
    return contract.GetApproval.respond(200, { data: toApproval(approval) });
  }

  @contract.ApproveApproval()
  async approveApproval(
    { path, body }: contract.ApproveApproval.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ApproveApproval.Response> {
    const approval = await this.approvals.decide(caller, path.approval_id, 'approved', body?.note);
    return contract.ApproveApproval.respond(200, { data: toApproval(approval) });
  }

  @contract.DeclineApproval()
  async declineApproval(
    { path, body }: contract.DeclineApproval.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeclineApproval.Response> {
    const approval = await this.approvals.decide(caller, path.approval_id, 'declined', body?.note);
    return contract.DeclineApproval.respond(200, { data: toApproval(approval) });
  }
}
