/** What the operator decides about chains of events. */
export abstract class EventChainSettings {
  /** How many executions event triggers start at most that follow from one cause. */
  abstract readonly mostExecutions: number;
}
