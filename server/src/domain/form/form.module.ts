import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.ts';
import { ExecutionModule } from '../execution/execution.module.ts';
import { TriggerModule } from '../trigger/trigger.module.ts';
import { WorkflowModule } from '../workflow/workflow.module.ts';
import { FormService } from './form.service.ts';
import { SubmissionEffects } from './submission-effects.ts';
import { SubmissionService } from './submission.service.ts';
import { StorageModule } from '../storage/storage.module.ts';

/** Needs the global module that provides Evaluator. */
@Module({
  imports: [StorageModule, EventModule, ExecutionModule, TriggerModule, WorkflowModule],
  providers: [FormService, SubmissionService, SubmissionEffects],
  exports: [FormService, SubmissionService],
})
export class FormModule {}
