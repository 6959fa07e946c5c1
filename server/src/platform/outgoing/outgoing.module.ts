import { Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { OutgoingHttp, OutgoingMail } from '../../domain/nodes/index.ts';
import { OrganisationPlans } from '../../domain/organisation/organisation-plans.ts';
import { outgoingCalls } from '../../domain/organisation/plan.ts';
import { OutgoingAddresses } from '../../domain/outgoing-addresses.ts';
import { AccountMail } from '../../domain/password-reset/account-mail.ts';
import { WebhookSettings } from '../../domain/webhook/webhook-settings.ts';
import { Config } from '../config/config.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { AddressPolicy } from './address-policy.ts';
import { systemResolve } from './guarded-connector.ts';
import { NodemailerOutgoingMail } from './nodemailer-outgoing-mail.ts';
import { OutgoingSlots } from './outgoing-slots.ts';
import { SmtpAccountMail } from './smtp-account-mail.ts';
import { UndiciOutgoingHttp } from './undici-outgoing-http.ts';

@Injectable()
class ConfiguredOutgoingHttp extends UndiciOutgoingHttp implements OnApplicationShutdown {
  constructor(config: Config, slots: OutgoingSlots) {
    super(config.settings.OUTGOING_ALLOWED_HOSTS, systemResolve, slots);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

@Global()
@Module({
  providers: [
    { provide: OutgoingHttp, useClass: ConfiguredOutgoingHttp },
    {
      provide: OutgoingSlots,
      inject: [Config, OrganisationPlans],
      useFactory: ({ settings }: Config, plans: OrganisationPlans) =>
        new OutgoingSlots({
          calls: settings.OUTGOING_CALLS,
          callsOf: async (organisationId) => outgoingCalls[await plans.planOf(organisationId)],
        }),
    },
    {
      provide: OutgoingAddresses,
      useFactory: ({ settings }: Config) => new AddressPolicy(settings.OUTGOING_ALLOWED_HOSTS),
      inject: [Config],
    },
    {
      provide: WebhookSettings,
      inject: [Config],
      useFactory: ({ settings }: Config): WebhookSettings => ({
        retrySeconds: settings.WEBHOOK_RETRY_SECONDS,
        disableAfterDays: settings.WEBHOOK_DISABLE_AFTER_DAYS,
      }),
    },
    {
      provide: OutgoingMail,
      useFactory: ({ settings }: Config, slots: OutgoingSlots) =>
        new NodemailerOutgoingMail(settings.OUTGOING_ALLOWED_HOSTS, { slots }),
      inject: [Config, OutgoingSlots],
    },
    {
      provide: AccountMail,
      useFactory: ({ settings }: Config, metrics: Metrics) =>
        new SmtpAccountMail({ server: settings.SMTP_URL, from: settings.MAIL_FROM, metrics }),
      inject: [Config, Metrics],
    },
  ],
  exports: [AccountMail, OutgoingAddresses, OutgoingHttp, OutgoingMail, WebhookSettings],
})
export class OutgoingModule {}
