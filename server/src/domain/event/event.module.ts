import { Module } from '@nestjs/common';
import { DomainEvents } from './domain-events.ts';
import { EventDispatch } from './event-dispatch.ts';

/** Needs the global module that provides WorkerLoops. */
@Module({ providers: [DomainEvents, EventDispatch], exports: [DomainEvents] })
export class EventModule {}
