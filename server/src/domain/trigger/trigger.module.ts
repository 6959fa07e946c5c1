import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.ts';
import { ExecutionModule } from '../execution/execution.module.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { WorkflowModule } from '../workflow/workflow.module.ts';
import { DueSchedules } from './due-schedules.ts';
import { EventChains } from './event-chains.ts';
import { EventTriggers } from './event-triggers.ts';
import { HookAnswers } from './hook-answers.ts';
import { HookUses } from './hook-uses.ts';
import { HookService } from './hook.service.ts';
import { ScheduleService } from './schedule.service.ts';
import { TriggerFiring } from './trigger-firing.ts';
import { TriggerService } from './trigger.service.ts';

/** How late a schedule may run when its server is idle. */
const scheduleInterval = 500;
const purgeInterval = 3_600_000;

/** Needs the global modules that provide Sealer, WorkerLoops, Evaluator, EventChainSettings and what executions need. */
@Module({
  imports: [EventModule, ExecutionModule, WorkflowModule],
  providers: [
    TriggerService,
    ScheduleService,
    TriggerFiring,
    DueSchedules,
    EventChains,
    EventTriggers,
    HookService,
    HookAnswers,
    HookUses,
  ],
  exports: [TriggerService, ScheduleService, HookService, HookAnswers],
})
export class TriggerModule {
  constructor(loops: WorkerLoops, schedules: DueSchedules, chains: EventChains) {
    loops.add('schedules', { everyMs: scheduleInterval, isVital: true, run: (signal) => schedules.run(signal) });
    loops.add('old schedule occurrences', { everyMs: purgeInterval, run: async () => void (await schedules.purge()) });
    loops.add('old event chains', { everyMs: purgeInterval, run: async () => void (await chains.purge()) });
  }
}
