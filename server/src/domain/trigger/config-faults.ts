import type { Problem } from '../domain-error.ts';
import { asTemplate } from '../language/index.ts';
import { parseTemplate } from '../language/template.ts';
import { timingFaults } from './timetable.ts';
import type { TriggerConfig } from './trigger-config.ts';

/** Everything that is wrong with a config beyond its form. */
export function configFaults(config: TriggerConfig, at = 'config.'): Problem[] {
  if (config.kind === 'schedule') return timingFaults(config, at);
  if (config.kind !== 'event' || config.filter === null) return [];
  return parseTemplate(asTemplate(config.filter)).faults.map(({ message }) => ({
    field: `${at}filter`,
    message: `does not parse: ${message}`,
    location: 'body',
  }));
}

/** Whether senders have to prove who they are. */
export function needsSecret(config: TriggerConfig): boolean {
  return config.kind === 'webhook' && config.auth.type !== 'none';
}
