import type { NodeType } from '../../nodes/node-type.ts';
import type { WorkflowNode } from '../definition.ts';
import { parseDuration } from '../duration.ts';
import { schemaFaults } from '../json-schema.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { programFault } from '../syntax.ts';
import { isTemplate, parseTemplate, wholeExpression } from '../template.ts';
import type { NodeTypes } from '../node-types.ts';
import {
  closest,
  durationProblem,
  located,
  type Place,
  type Surroundings,
  templateProblems,
  whenProblems,
} from './value-rules.ts';

/** What the id of a node must look like: it is read as `steps.<id>`. */
export const nodeIdPattern = /^[a-z][a-z0-9_]{0,63}$/;

/** Problems of each node by itself; `seen` holds the fields of the ids of the whole workflow. */
export function nodeProblems(within: Surroundings, types: NodeTypes, seen: Map<string, string>): DefinitionProblem[] {
  return within.body.nodes.flatMap((node, index) => {
    const place: Place = { keys: [...within.keys, 'nodes', index], within, node: node.id };
    const first = seen.get(node.id);
    const field = fieldPath(place.keys);
    if (first === undefined) seen.set(node.id, field);
    return [
      ...idProblems(node, `${field}.id`, first),
      ...typeProblems(node, place, types),
      ...whenProblems(node.when, at(place, 'when')),
      ...durationProblem(node.timeout, located(at(place, 'timeout'))),
      ...retryProblems(node, place),
    ];
  });
}

function at(place: Place, ...keys: (string | number)[]): Place {
  return { ...place, keys: [...place.keys, ...keys] };
}

function idProblems(node: WorkflowNode, field: string, first: string | undefined): DefinitionProblem[] {
  const problems: DefinitionProblem[] = [];
  const where = { node: node.id, field };
  if (!nodeIdPattern.test(node.id)) {
    problems.push({
      ...where,
      code: 'invalid_node_id',
      message: `The node id ${JSON.stringify(node.id)} does not match ${nodeIdPattern.source}.`,
      hint: 'Begin with a lower-case letter; go on with lower-case letters, digits and underscores, 64 characters at most.',
    });
  }
  if (first !== undefined) {
    problems.push({
      ...where,
      code: 'duplicate_node_id',
      message: `The node id ${JSON.stringify(node.id)} is already that of ${first}.`,
      hint: 'Give each node an id of its own.',
    });
  }
  return problems;
}

function typeProblems(node: WorkflowNode, place: Place, types: NodeTypes): DefinitionProblem[] {
  const type = types.get(node.type);
  if (type) return [...paramsProblems(node, type, place), ...sourceProblems(node, type, place)];
  const known = types.list().map((other) => other.type);
  const nearest = closest(node.type, known);
  return [
    {
      ...located(at(place, 'type')),
      code: 'unknown_node_type',
      message: `There is no node type ${JSON.stringify(node.type)}.`,
      hint: nearest ? `Did you mean "${nearest}"?` : `Use one of ${known.join(', ')}.`,
    },
    ...templateProblems(node.params, at(place, 'params')),
  ];
}

function paramsProblems(node: WorkflowNode, type: NodeType, place: Place): DefinitionProblem[] {
  return schemaFaults(type.params, node.params, (value, keyword) => isOpen(value, keyword)).map((fault) => {
    const field = fieldPath([...place.keys, 'params', ...fault.keys]);
    return {
      node: node.id,
      field,
      code: 'invalid_params',
      message: `${field} ${fault.message}.`,
      hint: fault.hint,
    };
  });
}

/** A template's value is known only when it runs; text with expressions in it is known to be a string. */
function isOpen(value: unknown, keyword: string): boolean {
  if (typeof value !== 'string' || !isTemplate(value)) return false;
  return keyword !== 'type' || wholeExpression(parseTemplate(value)) !== undefined;
}

/** Templates everywhere but in programs; a condition may also be a bare expression. */
function sourceProblems(node: WorkflowNode, type: NodeType, place: Place): DefinitionProblem[] {
  return Object.entries(node.params).flatMap(([key, value]): DefinitionProblem[] => {
    // Bodies are checked as such.
    if (type.bodies?.includes(key)) return [];
    const here: Place = { ...at(place, 'params', key), ...(type.locals && { locals: new Set(type.locals) }) };
    if (typeof value !== 'string') return templateProblems(value, here);
    if (type.programs?.includes(key)) return programProblems(value, here);
    return type.expressions?.includes(key) ? whenProblems(value, here) : templateProblems(value, here);
  });
}

function programProblems(source: string, place: Place): DefinitionProblem[] {
  const fault = programFault(source);
  if (fault === undefined) return [];
  return [
    {
      ...located(place),
      code: 'invalid_code',
      message: `The code does not parse: ${fault}.`,
      hint: 'Write the body of an async JavaScript function, and return its result.',
    },
  ];
}

function retryProblems({ retry }: WorkflowNode, place: Place): DefinitionProblem[] {
  if (!retry) return [];
  const problems = (['initial', 'max'] as const).flatMap((key) =>
    durationProblem(retry[key], located(at(place, 'retry', key))),
  );
  const initial = retry.initial === undefined ? undefined : parseDuration(retry.initial);
  const max = retry.max === undefined ? undefined : parseDuration(retry.max);
  if (initial !== undefined && max !== undefined && initial > max) {
    problems.push({
      ...located(at(place, 'retry', 'max')),
      code: 'invalid_retry',
      message: `The longest delay (${retry.max}) is shorter than the first one (${retry.initial}).`,
      hint: 'Raise "max" or lower "initial".',
    });
  }
  return problems;
}
