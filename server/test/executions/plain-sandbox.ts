import { Sandbox, type SandboxOutcome, type SandboxTask } from '../../src/domain/language/sandbox.ts';

/** Evaluates in the test's own process, for expressions that the test has written itself. */
export class PlainSandbox extends Sandbox {
  async run(tasks: readonly SandboxTask[]): Promise<SandboxOutcome[]> {
    return Promise.all(tasks.map(outcomeOf));
  }
}

async function outcomeOf({ kind, source, globals }: SandboxTask): Promise<SandboxOutcome> {
  const given = Object.entries(globals());
  const body = kind === 'program' ? `return (async () => { ${source} })()` : `return (${source})`;
  try {
    // oxlint-disable-next-line no-new-func
    const run = new Function(...given.map(([name]) => name), body);
    const values = given.map(([, json]) => (json === undefined ? undefined : JSON.parse(json)));
    return { ok: true, json: JSON.stringify(await run(...values)), logs: [] };
  } catch (error) {
    return { ok: false, reason: 'error', message: (error as Error).message };
  }
}
