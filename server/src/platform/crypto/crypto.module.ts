import { Global, Module } from '@nestjs/common';
import { Sealer } from '../../domain/sealer.ts';
import { Config } from '../config/config.ts';
import { MasterKeySealer } from './master-key-sealer.ts';

/** Encryption at rest, under the configured master keys. */
@Global()
@Module({
  providers: [
    { provide: MasterKeySealer, inject: [Config], useFactory: ({ settings }: Config) => sealer(settings) },
    { provide: Sealer, useExisting: MasterKeySealer },
  ],
  exports: [Sealer, MasterKeySealer],
})
export class CryptoModule {}

function sealer({ FLOWPACT_MASTER_KEYS: keys }: Config['settings']): MasterKeySealer {
  if (!keys) throw new Error('FLOWPACT_MASTER_KEYS is empty: the start of the server fills it in before this.');
  return new MasterKeySealer(keys);
}
