import { Module } from '@nestjs/common';
import { PostgresIdempotencyStore } from './postgres-idempotency-store.ts';

@Module({ providers: [PostgresIdempotencyStore], exports: [PostgresIdempotencyStore] })
export class IdempotencyModule {}
