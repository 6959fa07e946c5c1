import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RateLimitDecision } from '#runtime/nest/index.ts';
import { ResourceNotFoundError } from '../domain/domain-error.ts';
import type { Form } from '../domain/form/form.entity.ts';
import { FormService } from '../domain/form/form.service.ts';
import { AnswersRefusedError } from '../domain/form/submission.errors.ts';
import { SubmissionService } from '../domain/form/submission.service.ts';
import { NoRoomForOthersError } from '../domain/storage/storage.errors.ts';
import { translateDatabaseError } from '../platform/database/unavailable.ts';
import { PublicResources } from '../platform/rate-limit/public-resources.ts';
import { PostgresRateLimiter } from '../platform/rate-limit/postgres-rate-limiter.ts';
import { formPage, type FormView, ticketName, trapName } from './form-page.ts';
import { readPage, toAnswers } from './page-answers.ts';
import { notePage } from './page-frame.ts';
import { servePages, tooMany } from './page-routes.ts';
import { contentSecurityPolicy } from './page-style.ts';
import { PageTickets } from './page-tickets.ts';

const notices = {
  early: 'That was very quick. Please send the form once more.',
  late: 'This page was open for a long time. Please send the form once more.',
  invalid: 'Please send the form once more.',
};

/** Serves the page of every published form at `/f/<slug>`. These are pages for people, so they stand outside of the contract. */
@Injectable()
export class FormPages implements OnModuleInit {
  readonly #log = new Logger(FormPages.name);

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly orm: MikroORM,
    private readonly forms: FormService,
    private readonly submissions: SubmissionService,
    private readonly limiter: PostgresRateLimiter,
    private readonly resources: PublicResources,
    private readonly tickets: PageTickets,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    servePages(
      server,
      { policy: contentSecurityPolicy(), fail: (error, reply) => this.#fail(error, reply) },
      (scope) => {
        scope.get('/f/:slug', (request, reply) =>
          this.#within(request, reply, 'general', () => this.#show(request, reply)),
        );
        scope.post('/f/:slug', (request, reply) =>
          this.#within(request, reply, 'submit', () => this.#take(request, reply)),
        );
        scope.get('/f/:slug/thanks', (request, reply) =>
          this.#within(request, reply, 'general', () => this.#thank(request, reply)),
        );
      },
    );
  }

  /** Counts the request, and gives it a database session of its own. */
  async #within(
    request: FastifyRequest,
    reply: FastifyReply,
    limit: string,
    handler: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    const { allowed, retryAfter } = await this.#count(request, limit);
    if (!allowed) return tooMany(reply, retryAfter);
    return RequestContext.create(this.orm.em, handler);
  }

  async #count({ ip, params }: FastifyRequest, limit: string): Promise<RateLimitDecision> {
    const owner = await this.resources.ownerOf({ form_id: (params as { slug: string }).slug });
    if (owner && limit === 'submit') return this.limiter.consumePublic(ip, limit, owner);
    return this.limiter.consumeFrom(ip, limit, owner);
  }

  async #show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return this.#send(reply, 200, await this.#formOf(request));
  }

  async #take(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const form = await this.#formOf(request);
    const sent = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const answers = readPage(form.fields, sent);
    // A program that is told of its mistake would correct it.
    if (sent.get(trapName)) return thanks(reply, form);
    const ticket = this.tickets.read(form.id, sent.get(ticketName) ?? '');
    if (ticket.state !== 'good') {
      const again = ticket.state === 'early' ? sent.get(ticketName)! : this.tickets.issue(form.id);
      return this.#send(reply, 400, form, { ticket: again, answers, notice: notices[ticket.state] });
    }
    try {
      const submission = { answers: toAnswers(form.fields, answers), source: 'page', ticket: ticket.nonce } as const;
      await this.submissions.submit(form, submission);
      return thanks(reply, form);
    } catch (error) {
      if (!(error instanceof AnswersRefusedError)) throw error;
      return this.#send(reply, 400, form, { ticket: sent.get(ticketName)!, answers, problems: error.problems });
    }
  }

  async #thank(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { successTitle, successMessage } = (await this.#formOf(request)).words();
    return reply.send(notePage(successTitle, successMessage, true));
  }

  #formOf(request: FastifyRequest): Promise<Form> {
    return this.forms.getPublished((request.params as { slug: string }).slug);
  }

  #send(
    reply: FastifyReply,
    status: number,
    form: Form,
    view: FormView = { ticket: this.tickets.issue(form.id) },
  ): FastifyReply {
    return reply.code(status).send(formPage(form, view));
  }

  #fail(thrown: unknown, reply: FastifyReply): FastifyReply {
    const error = translateDatabaseError(thrown) as Error & { statusCode?: number; code?: string };
    if (error instanceof ResourceNotFoundError) {
      const message = 'It may be closed, or the address may have a mistake in it.';
      return reply.code(404).send(notePage('There is no open form here', message, false));
    }
    if (error instanceof NoRoomForOthersError) {
      const message =
        'The organisation behind this form has used up its storage, so your answers were not stored. Please tell them.';
      return reply.code(409).send(notePage('This form takes no answers at the moment', message, false));
    }
    const status = error.code === 'service_unavailable' ? 503 : (error.statusCode ?? 500);
    if (status < 500) {
      const title = status === 413 ? 'That is too much text' : 'The form could not be read';
      return reply.code(status).send(notePage(title, 'Please go back and try again.', false));
    }
    this.#log.error({ err: error }, 'The page of a form failed');
    const message = 'Nothing was lost on our side, but your answers were not stored. Please try again in a moment.';
    return reply
      .code(status)
      .header('Retry-After', 10)
      .send(notePage('Something went wrong', message, false));
  }
}

/** Reloading the page that follows sends nothing again (RFC 9110 section 15.4.4). */
function thanks(reply: FastifyReply, { slug }: Form): FastifyReply {
  return reply.redirect(`/f/${slug}/thanks`, 303);
}
