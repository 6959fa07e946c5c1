import { EventChain } from './event-chain.entity.ts';
import { ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import { Trigger } from './trigger.entity.ts';

/** The entities of triggers, for the list of all entities. */
export const triggerEntities = [Trigger, ScheduleOccurrence, EventChain];
