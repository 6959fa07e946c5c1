import type { OperationPlan } from '../../plan/plan.ts';
import { camelCase, words } from '../../plan/names.ts';

/**
 * Name of a resource's method: the operation's without the resource noun. `listWorkflows` of `workflows` is `list`,
 * `listWorkflowVersions` is `listVersions`; `listWorkflowExecutions` of `executions`, under `{workflow_id}`, is
 * `listForWorkflow`; `getBookings` is `list`, since `getBooking` is `get`. A name without the noun stays as it is.
 */
export function methodName({ name, operation, tag }: OperationPlan): string {
  const all = words(name);
  const noun = words(tag.name).map(singular);
  const [verb = name, ...rest] = all;
  const at = rest.findIndex((_word, index) =>
    noun.every((word, offset) => singular(rest[index + offset] ?? '') === word),
  );
  if (at === -1 || noun.length === 0) return name;
  const before = rest.slice(0, at);
  const after = rest.slice(at + noun.length);
  const last = rest[at + noun.length - 1]!.toLowerCase();
  if (verb === 'get' && rest.length === noun.length && last !== singular(last)) return 'list';
  const owner = after.length === 0 && before.length > 0 && isOwner(before, operation.path);
  return camelCase([verb, ...(owner ? ['For'] : []), ...before, ...after].join(' '));
}

/** Whether the path names a parameter after these words: `Workflow` in `/workflows/{workflow_id}/executions`. */
function isOwner(before: readonly string[], path: string): boolean {
  const owner = before.map(singular).join(' ');
  return [...path.matchAll(/\{([^}]+)\}/g)].some(([, parameter]) => {
    return words(parameter!).map(singular).slice(0, before.length).join(' ') === owner;
  });
}

/** Good enough to compare a tag with an operation's name; both sides go through it. */
function singular(word: string): string {
  const lower = word.toLowerCase();
  if (lower.endsWith('ies') && lower.length > 4) return `${lower.slice(0, -3)}y`;
  if (/(ss|x|z|ch|sh)es$/.test(lower)) return lower.slice(0, -2);
  return /[^siu]s$/.test(lower) && lower.length > 3 ? lower.slice(0, -1) : lower;
}
