import { getHeapStatistics } from 'node:v8';
import type { Json } from '../../domain/domain-error.ts';
import { compileUserSchema, userSchemaFaults } from '../../domain/language/user-schema.ts';
import { parseYaml } from '../../domain/language/yaml/parse-yaml.ts';
import type { SandboxOutcome } from '../../domain/language/sandbox.ts';
import { answerRequests } from './answer-requests.ts';
import { sandboxLimits } from './limits.ts';
import type { ThreadTask } from './thread-messages.ts';

/** Schemas repeat at every execution of a workflow, and take milliseconds to compile. */
const compiled = new Map<string, ReturnType<typeof compileUserSchema>>();
const mostCompiled = 200;
/** Bytes of heap beyond which nothing is kept: patterns remember up to 8 MB each of what they have matched. */
const fullHeap = 256 * 1024 * 1024;

answerRequests(
  (task) => ({ outcome: answer(task), broken: false }),
  [
    { kind: 'schema', source: '{"type":"object"}' },
    { kind: 'yaml', source: 'name: first' },
  ],
);

function answer({ kind, source, globals }: ThreadTask): SandboxOutcome {
  try {
    const result = kind === 'yaml' ? parseYaml(source) : schemaFaults(source, globals.value);
    const json = JSON.stringify(result);
    if (json.length > sandboxLimits[kind].output)
      return { ok: false, reason: 'output', message: 'the result is too large' };
    return { ok: true, json, logs: [] };
  } catch (error) {
    return { ok: false, reason: error instanceof RangeError ? 'stack' : 'error', message: (error as Error).message };
  }
}

function schemaFaults(source: string, value: string | undefined): ReturnType<typeof userSchemaFaults> {
  if (value === undefined) return userSchemaFaults(JSON.parse(source) as Json);
  return validatorOf(source)(JSON.parse(value) as Json);
}

function validatorOf(source: string): ReturnType<typeof compileUserSchema> {
  const validator = compiled.get(source) ?? compileUserSchema(JSON.parse(source) as Json);
  compiled.delete(source);
  if (getHeapStatistics().used_heap_size > fullHeap) compiled.clear();
  compiled.set(source, validator);
  if (compiled.size > mostCompiled) compiled.delete(compiled.keys().next().value!);
  return validator;
}
