import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { FormService } from '../../../domain/form/form.service.ts';
import { SubmissionService } from '../../../domain/form/submission.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toCursorPagination } from '../executions/executions.mapper.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toAttachment } from '../workflows/workflows.mapper.ts';
import {
  toForm,
  toFormChange,
  toFormQuery,
  toFormSubmission,
  toFormSummary,
  toNewForm,
  toNewSubmission,
  toPeriod,
  toSubmissionQuery,
  toSubmissionReceipt,
} from './forms.mapper.ts';

@Controller()
export class FormsController implements contract.FormsController {
  constructor(
    private readonly forms: FormService,
    private readonly submissions: SubmissionService,
  ) {}

  @contract.ListForms()
  async listForms(
    { query }: contract.ListForms.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListForms.Response> {
    const { items, total } = await this.forms.list(caller.organisationId, toFormQuery(query));
    const pagination = toPagePagination(query.page, query.per_page, total);
    return contract.ListForms.respond(200, { data: items.map(toFormSummary), pagination });
  }

  @contract.CreateForm()
  async createForm(
    { body }: contract.CreateForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateForm.Response> {
    const form = await this.forms.create(caller, toNewForm(body));
    return contract.CreateForm.respond(201, { data: toForm(form) }, { Location: `/v1/forms/${form.id}` });
  }

  @contract.GetForm()
  async getForm(
    { path }: contract.GetForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetForm.Response> {
    const form = await this.forms.get(caller.organisationId, path.form_id);
    return contract.GetForm.respond(200, { data: toForm(form) });
  }

  @contract.UpdateForm()
  async updateForm(
    { path, body }: contract.UpdateForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateForm.Response> {
    const form = await this.forms.update(caller, path.form_id, toFormChange(body));
    return contract.UpdateForm.respond(200, { data: toForm(form) });
  }

  @contract.DeleteForm()
  async deleteForm(
    { path }: contract.DeleteForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteForm.Response> {
    await this.forms.delete(caller.organisationId, path.form_id);
    return contract.DeleteForm.respond(204);
  }

  @contract.PublishForm()
  async publishForm(
    { path }: contract.PublishForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.PublishForm.Response> {
    const form = await this.forms.publish(caller, path.form_id);
    return contract.PublishForm.respond(200, { data: toForm(form) });
  }

  @contract.UnpublishForm()
  async unpublishForm(
    { path }: contract.UnpublishForm.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UnpublishForm.Response> {
    const form = await this.forms.unpublish(caller.organisationId, path.form_id);
    return contract.UnpublishForm.respond(200, { data: toForm(form) });
  }

  @contract.ExportFormSubmissions()
  async exportFormSubmissions(
    { path, query }: contract.ExportFormSubmissions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ExportFormSubmissions.Response> {
    const { form, lines } = await this.submissions.export(caller.organisationId, path.form_id, toPeriod(query));
    const headers = { 'Content-Disposition': toAttachment(form.name, 'csv') };
    return contract.ExportFormSubmissions.respond(200, lines, headers);
  }

  @contract.ListFormSubmissions()
  async listFormSubmissions(
    { path, query }: contract.ListFormSubmissions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListFormSubmissions.Response> {
    const slice = await this.submissions.list(caller.organisationId, path.form_id, toSubmissionQuery(query));
    const pagination = toCursorPagination(slice, query.per_page);
    return contract.ListFormSubmissions.respond(200, { data: slice.items.map(toFormSubmission), pagination });
  }

  @contract.SubmitForm()
  async submitForm({ path, body }: contract.SubmitForm.Request): Promise<contract.SubmitForm.Response> {
    const form = await this.forms.getPublished(path.form_id);
    const submission = await this.submissions.submit(form, toNewSubmission(body));
    const headers = { Location: `/v1/forms/${form.id}/submissions/${submission.id}` };
    return contract.SubmitForm.respond(201, { data: toSubmissionReceipt(form, submission) }, headers);
  }

  @contract.GetFormSubmission()
  async getFormSubmission(
    { path }: contract.GetFormSubmission.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetFormSubmission.Response> {
    const submission = await this.submissions.get(caller.organisationId, path.form_id, path.submission_id);
    return contract.GetFormSubmission.respond(200, { data: toFormSubmission(submission) });
  }

  @contract.DeleteFormSubmission()
  async deleteFormSubmission(
    { path }: contract.DeleteFormSubmission.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteFormSubmission.Response> {
    await this.submissions.delete(caller.organisationId, path.form_id, path.submission_id);
    return contract.DeleteFormSubmission.respond(204);
  }
}
