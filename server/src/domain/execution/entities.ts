import { DefinitionSnapshot } from './definition-snapshot.entity.ts';
import { ExecutionEvent } from './execution-event.entity.ts';
import { ExecutionLog } from './execution-log.entity.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { Execution } from './execution.entity.ts';
import { Step } from './step.entity.ts';

/** The entities of executions, for the list of all entities. */
export const executionEntities = [DefinitionSnapshot, Execution, ExecutionEvent, ExecutionLog, ExecutionWait, Step];
