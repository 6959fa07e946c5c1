export type {
  Duration,
  RetryPolicy,
  WorkflowBody,
  WorkflowDefinition,
  WorkflowEdge,
  WorkflowNode,
  WorkflowSettings,
} from './definition.ts';
export { allNodes, bodiesOf } from './bodies.ts';
export { hashOf } from './definition-hash.ts';
export { parseDuration } from './duration.ts';
export {
  asTemplate,
  Evaluator,
  type EvaluationOptions,
  type EvaluationTurn,
  type MarkerOf,
  requestMaxWaitMs,
  transactionMaxWaitMs,
} from './evaluator.ts';
export { absentWorkflow, calledWorkflows, idleWorkflow, type WorkflowReference } from './rules/call-rules.ts';
export { absent, type VaultReference, vaultUse } from './rules/secret-rules.ts';
export { compile, type Graph } from './graph.ts';
export { schemaFaults, type SchemaFault } from './json-schema.ts';
export type { LayersDocument } from './layers/layers-document.ts';
export { readLayers } from './layers/read-layers.ts';
export { writeLayers } from './layers/write-layers.ts';
export { limits } from './definition.schema.ts';
export { parseDefinition, type ParsedDefinition } from './parse-definition.ts';
export { type DefinitionProblem, fieldPath } from './problem.ts';
export {
  Sandbox,
  type SandboxFailure,
  type SandboxLog,
  type SandboxOutcome,
  type SandboxRunOptions,
  type SandboxTask,
} from './sandbox.ts';
export { SandboxUnavailableError } from './sandbox.errors.ts';
export type { NodeTypes } from './node-types.ts';
export { userSchemaProblems } from './user-schema-problems.ts';
export { validateDefinition } from './validate-definition.ts';
export { wholly } from './patterns/parse-pattern.ts';
export { wholePatternProblem } from './patterns/pattern.ts';
export { readDocument, type ReadDocument, readYaml } from './yaml/read-yaml.ts';
export type { WorkflowDocument } from './yaml/workflow-document.ts';
export { writeYaml } from './yaml/write-yaml.ts';
