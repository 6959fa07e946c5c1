import { Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { OutgoingHttp } from '../../domain/nodes/index.ts';
import { Config } from '../config/config.ts';
import { UndiciOutgoingHttp } from './undici-outgoing-http.ts';

@Injectable()
class ConfiguredOutgoingHttp extends UndiciOutgoingHttp implements OnApplicationShutdown {
  constructor(config: Config) {
    super(config.settings.OUTGOING_ALLOWED_HOSTS);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

@Global()
@Module({
  providers: [{ provide: OutgoingHttp, useClass: ConfiguredOutgoingHttp }],
  exports: [OutgoingHttp],
})
export class OutgoingModule {}
