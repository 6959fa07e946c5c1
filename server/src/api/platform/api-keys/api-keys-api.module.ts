import { Module } from '@nestjs/common';
import { ApiKeyModule } from '../../../domain/api-key/api-key.module.ts';
import { ApiKeysController } from './api-keys.controller.ts';

@Module({ imports: [ApiKeyModule], controllers: [ApiKeysController] })
export class ApiKeysApiModule {}
