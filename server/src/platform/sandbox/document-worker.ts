import type { Json } from '../../domain/domain-error.ts';
import { compileForeignSchema } from '../../domain/language/json-schema.ts';
import { parseYaml } from '../../domain/language/yaml/parse-yaml.ts';
import type { SandboxOutcome } from '../../domain/language/sandbox.ts';
import { answerRequests } from './answer-requests.ts';
import { sandboxLimits } from './limits.ts';
import type { ThreadTask } from './thread-messages.ts';

/** Schemas repeat at every execution of a workflow, and take milliseconds to compile. */
const compiled = new Map<string, ReturnType<typeof compileForeignSchema>>();
const mostCompiled = 200;

answerRequests((task) => ({ outcome: answer(task), broken: false }));

function answer({ kind, source, globals }: ThreadTask): SandboxOutcome {
  try {
    const result = kind === 'yaml' ? parseYaml(source) : validatorOf(source)(JSON.parse(globals.value!) as Json);
    const json = JSON.stringify(result);
    if (json.length > sandboxLimits[kind].output)
      return { ok: false, reason: 'output', message: 'the result is too large' };
    return { ok: true, json, logs: [] };
  } catch (error) {
    return { ok: false, reason: error instanceof RangeError ? 'stack' : 'error', message: (error as Error).message };
  }
}

function validatorOf(source: string): ReturnType<typeof compileForeignSchema> {
  const validator = compiled.get(source) ?? compileForeignSchema(JSON.parse(source) as Json);
  compiled.delete(source);
  compiled.set(source, validator);
  if (compiled.size > mostCompiled) compiled.delete(compiled.keys().next().value!);
  return validator;
}
