/**
 * The points between two statements of one protocol, named `<protocol>.<what has just happened>`. What holds after the
 * first statement and before the second must hold for ever, because a process may die there, stand still, or lose the
 * database. `server/test/chaos/failpoints.test.ts` goes through those of runs, the tests beside the other services through
 * theirs.
 */
export const failpoints = [
  'submit.stored',
  'submit.committed',
  'claim.claimed',
  'admission.locked',
  'admission.moved',
  'slots.locked',
  'take-over.found',
  'take-over.queued',
  'step.done',
  'step.recorded',
  'recorder.stored',
  'suspend.told',
  'suspend.suspended',
  'hold.locked',
  'hold.suspended',
  'signal.locked',
  'signal.stored',
  'signal.resumed',
  'wait.answered',
  'wait.expired',
  'child.started',
  'child.ended',
  'child.reported',
  'run.ended',
  'cancel.stored',
  'cancel.cancelled',
  'cancel.committed',
  'pause.committed',
  'resume.stored',
  'delivery.claimed',
  'delivery.sent',
  'schedule.claimed',
  'schedule.decided',
  'bulk-job.treated',
  'event.told',
  'idempotency.executed',
] as const;

export type Failpoint = (typeof failpoints)[number];

let reached: ((name: Failpoint) => void) | undefined;

/** Has `hook` called at every point, until it is called with undefined. For tests: nothing in the server calls it. */
export function onFailpoint(hook: ((name: Failpoint) => void) | undefined): void {
  reached = hook;
}

/** Says that the process has got here. It costs a comparison. */
export function failpoint(name: Failpoint): void {
  reached?.(name);
}
