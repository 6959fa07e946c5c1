import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.ts';
import { CredentialService } from './credential.service.ts';
import { Expiry } from './expiry.ts';
import { SecretService } from './secret.service.ts';
import { Vault } from './vault.ts';

/** Needs the global modules that provide Sealer and WorkerLoops. */
@Module({
  imports: [EventModule],
  providers: [SecretService, CredentialService, Vault, Expiry],
  exports: [SecretService, CredentialService, Vault],
})
export class VaultModule {}
