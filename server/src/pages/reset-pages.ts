import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { InvalidResetTokenError } from '../domain/password-reset/password-reset.errors.ts';
import { PasswordResetService } from '../domain/password-reset/password-reset.service.ts';
import { passwordProblem } from '../domain/user/password-length.ts';
import { clientAddress } from '../platform/auth/client-address.ts';
import { translateDatabaseError } from '../platform/database/unavailable.ts';
import { PostgresRateLimiter } from '../platform/rate-limit/postgres-rate-limiter.ts';
import { notePage } from './page-frame.ts';
import { servePages, tooMany } from './page-routes.ts';
import { contentSecurityPolicy } from './page-style.ts';
import { resetFooter, resetPage, resetScript, type ResetView } from './reset-page.ts';

/** The page at `/reset-password`, where the link of a mail leads. It stands outside of the contract, for it is for people. */
@Injectable()
export class ResetPages implements OnModuleInit {
  readonly #log = new Logger(ResetPages.name);

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly orm: MikroORM,
    private readonly resets: PasswordResetService,
    private readonly limiter: PostgresRateLimiter,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    const pages = { policy: contentSecurityPolicy(resetScript), fail: this.#fail.bind(this) };
    servePages(server, pages, (scope) => {
      scope.get('/reset-password', async (_request, reply) => reply.send(resetPage()));
      scope.get('/reset-password/done', async (_request, reply) => {
        const message = 'You can sign in with it now. Everybody who was signed in to the account has been signed out.';
        return reply.send(notePage('Your new password is set', message, true, resetFooter));
      });
      scope.post('/reset-password', (request, reply) => this.#take(request, reply));
    });
  }

  async #take(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { allowed, retryAfter } = await this.limiter.consumeFrom(request.ip, 'submit');
    if (!allowed) return tooMany(reply, retryAfter, resetFooter);
    const sent = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const token = sent.get('token')?.trim() ?? '';
    const password = sent.get('password') ?? '';
    const problem = passwordProblem(password);
    const problems = {
      ...(token === '' && { token: 'Enter the code from the mail.' }),
      ...(problem !== undefined && { password: `The password ${problem}.` }),
    };
    if (token === '' || problem !== undefined) {
      return refuse(reply, { problems, ...(token !== '' && { token }) });
    }
    try {
      const address = clientAddress(request.ip);
      await RequestContext.create(this.orm.em, () => this.resets.confirm({ token, password, address }));
    } catch (error) {
      if (!(error instanceof InvalidResetTokenError)) throw error;
      const message = 'This code is wrong, expired, used already or replaced by a newer one. Ask for another mail.';
      return refuse(reply, { problems: { token: message } });
    }
    // Reloading the page that follows sends nothing again (RFC 9110 section 15.4.4).
    return reply.redirect('/reset-password/done', 303);
  }

  #fail(thrown: unknown, reply: FastifyReply): FastifyReply {
    const error = translateDatabaseError(thrown) as Error & { statusCode?: number; code?: string };
    const status = error.code === 'service_unavailable' ? 503 : (error.statusCode ?? 500);
    if (status < 500) {
      const message = 'Please open the link in the mail again.';
      return reply.code(status).send(notePage('The form could not be read', message, false, resetFooter));
    }
    this.#log.error({ err: error }, 'The page for a new password failed');
    const message = 'Please try the link in the mail again in a moment.';
    return reply
      .code(status)
      .header('Retry-After', 10)
      .send(notePage('Something went wrong', message, false, resetFooter));
  }
}

function refuse(reply: FastifyReply, view: ResetView): FastifyReply {
  return reply.code(400).send(resetPage(view));
}
