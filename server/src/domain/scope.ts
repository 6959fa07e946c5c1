/** Every scope that an operation can ask for: `resource:action`, with what it allows. */
export const scopeDescriptions = {
  'workflows:read': 'List and read workflows, their versions and exports.',
  'workflows:write':
    'Create, change, publish, import and delete workflows. What a workflow does it does for the organisation: with its secrets, credentials and stored values.',
  'workflows:execute': 'Start executions of published workflows.',
  'executions:read':
    'List and read executions, their inputs, steps, logs and events, also inputs that came by a form or a hook.',
  'executions:write': 'Pause, resume and delete executions; decide approvals.',
  'executions:cancel': 'Cancel running executions.',
  'groups:read': 'List and read groups of workflows.',
  'groups:write': 'Create, change, order and delete groups of workflows.',
  'channels:read': 'List and read channels, without their tokens.',
  'channels:write':
    'Create, change and delete channels, and give them new tokens; with workflows:execute where that lets others start workflows.',
  'forms:read': 'List and read forms, without what was submitted to them.',
  'forms:write': 'Create, change, publish and delete forms; with workflows:execute where they start workflows.',
  'submissions:read': 'List, read and export what was submitted to forms.',
  'submissions:write': 'Delete what was submitted to forms.',
  'triggers:read': 'List and read triggers and schedules, without their secrets.',
  'triggers:write':
    'Create, change, enable and delete triggers and schedules; with workflows:execute where that lets workflows start.',
  'triggers:execute': 'Execute triggers by hand, and so start the workflows that they are for.',
  'secrets:read': 'List and read secrets, without their values.',
  'secrets:write': 'Create, change and delete secrets.',
  'credentials:read': 'List and read credentials, without their values.',
  'credentials:write': 'Create, change and delete credentials.',
  'kv:read': 'List and read stored values.',
  'kv:write': 'Set, append to and delete stored values.',
  'webhooks:read':
    'List and read webhooks, the event catalogue, deliveries and their attempts; what was sent only with the scope that reads it.',
  'webhooks:write':
    'Create, change, test, rotate, recover, resend and delete webhooks; for events that the caller may read.',
  'usage:read': 'Read what the plan allows and how much of it is used.',
  'api-keys:read': 'List and read API keys, without their secrets.',
  'api-keys:write': 'Create, change, rotate and revoke API keys that may do no more than the caller.',
} as const;

/** One action on one kind of resource, for example `workflows:read`. */
export type Scope = keyof typeof scopeDescriptions;

/** Every scope, in the order in which lists show them. */
export const scopes = Object.keys(scopeDescriptions) as Scope[];

/** A named set of scopes. A key that holds a bundle gains what is added to the bundle later. */
export interface ScopeBundle {
  readonly name: string;
  readonly description: string;
  readonly scopes: readonly Scope[];
}

/** Every bundle that a key can be granted. */
export const scopeBundles = [
  {
    name: 'workflow-executor',
    description: 'Run published workflows and follow their executions.',
    scopes: [
      'workflows:read',
      'workflows:execute',
      'executions:read',
      'executions:cancel',
      'triggers:read',
      'triggers:execute',
    ],
  },
  {
    name: 'read-only',
    description: 'Read everything, change nothing.',
    scopes: scopes.filter((scope) => scope.endsWith(':read')),
  },
  { name: 'full-access', description: 'Everything that the API offers.', scopes },
] as const satisfies readonly ScopeBundle[];

/** The name of a bundle, for example `read-only`. */
export type BundleName = (typeof scopeBundles)[number]['name'];

/** What is written on a key: single scopes and bundles, as they were granted. */
export type Grant = Scope | BundleName;

/** Whether a grant is a bundle; it is a single scope otherwise. */
export function isBundleName(name: string): name is BundleName {
  return scopeBundles.some((bundle) => bundle.name === name);
}

/** The single scopes behind grants, each once, in the order of the list above. */
export function expandGrants(grants: readonly string[]): Scope[] {
  const granted = new Set<string>(grants);
  for (const bundle of scopeBundles) {
    if (granted.has(bundle.name)) for (const scope of bundle.scopes) granted.add(scope);
  }
  return scopes.filter((scope) => granted.has(scope));
}
