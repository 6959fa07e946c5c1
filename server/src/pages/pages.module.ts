import { Module } from '@nestjs/common';
import { FormModule } from '../domain/form/form.module.ts';
import { PasswordResetModule } from '../domain/password-reset/password-reset.module.ts';
import { Config } from '../platform/config/config.ts';
import { RateLimitModule } from '../platform/rate-limit/rate-limit.module.ts';
import { FormPages } from './form-pages.ts';
import { PageTickets } from './page-tickets.ts';
import { ResetPages } from './reset-pages.ts';

/** Pages for people, outside of every contract. */
@Module({
  imports: [FormModule, PasswordResetModule, RateLimitModule],
  providers: [FormPages, ResetPages, { provide: PageTickets, inject: [Config], useFactory: ticketsOf }],
})
export class PagesModule {}

function ticketsOf({ settings }: Config): PageTickets {
  if (!settings.AUTH_SECRET) throw new Error('AUTH_SECRET is empty: the start of the server fills it in before this.');
  return new PageTickets(settings.AUTH_SECRET, settings.FORM_MIN_SECONDS);
}
