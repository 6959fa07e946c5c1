import { InsufficientScopeError } from './api-key/api-key.errors.ts';
import type { Caller } from './caller.ts';
import type { EventType } from './event/event-type.ts';
import type { Scope } from './scope.ts';

/** What may be read with which scope also protects the events that tell it. */
export function scopeOfEvent(type: EventType | 'webhook.test'): Scope | undefined {
  const [subject] = type.split('.');
  switch (subject) {
    case 'execution':
      return 'executions:read';
    case 'workflow':
      return 'workflows:read';
    case 'form':
      return 'submissions:read';
    case 'credential':
      return 'credentials:read';
    case 'alert':
      return 'webhooks:read';
    default:
      // The example of a test tells nothing.
      return undefined;
  }
}

/** Whether the caller may read what events of this type tell. */
export function mayHear(caller: Caller, type: EventType | 'webhook.test'): boolean {
  const scope = scopeOfEvent(type);
  return scope === undefined || caller.scopes.includes(scope);
}

/** Throws InsufficientScopeError when the caller would have told to others what it may not read. */
export function assertMayHear(caller: Caller, types: readonly EventType[]): void {
  const required = [...new Set(types.map(scopeOfEvent))].filter((scope) => scope !== undefined);
  assertScopes(caller, required, 'These events tell what you may not read.');
}

/** Throws InsufficientScopeError when the caller would have workflows started that it may not execute itself. */
export function assertMayExecute(caller: Caller): void {
  assertScopes(caller, ['workflows:execute'], 'This lets others start a workflow, which you may not execute yourself.');
}

function assertScopes(caller: Caller, required: readonly Scope[], reason: string): void {
  const missing = required.filter((scope) => !caller.scopes.includes(scope));
  if (missing.length === 0) return;
  throw new InsufficientScopeError(`${reason} You lack ${missing.join(', ')}.`, required, missing);
}
