import { Module } from '@nestjs/common';
import { ApiKeyService } from './api-key.service.ts';

/** Needs nothing of the platform. */
@Module({ providers: [ApiKeyService], exports: [ApiKeyService] })
export class ApiKeyModule {}
