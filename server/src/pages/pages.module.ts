import { Module } from '@nestjs/common';
import { FormModule } from '../domain/form/form.module.ts';
import { Config } from '../platform/config/config.ts';
import { RateLimitModule } from '../platform/rate-limit/rate-limit.module.ts';
import { FormPages } from './form-pages.ts';
import { PageTickets } from './page-tickets.ts';

/** Pages for people, outside of every contract. */
@Module({
  imports: [FormModule, RateLimitModule],
  providers: [FormPages, { provide: PageTickets, inject: [Config], useFactory: ticketsOf }],
})
export class PagesModule {}

function ticketsOf({ settings }: Config): PageTickets {
  if (!settings.AUTH_SECRET) throw new Error('AUTH_SECRET is empty: the start of the server fills it in before this.');
  return new PageTickets(settings.AUTH_SECRET, settings.FORM_MIN_SECONDS);
}
