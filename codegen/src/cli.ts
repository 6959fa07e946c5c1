import { basename, dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type FlowpactConfig, defineConfig } from './config.ts';
import { type Output, generate } from './generate.ts';
import { lint } from './lint.ts';
import { configError, loadConfig } from './load-config.ts';
import { GeneratorError, formatProblem } from './problems.ts';
import { differences, write } from './write.ts';

const USAGE = `Usage:
  flowpact generate [--config flowpact.config.ts] [--check]
  flowpact generate --spec FILE --out DIR [--name NAME] [--runtime SPECIFIER] [--skip CODE]... [--check]
  flowpact lint [--config flowpact.config.ts]
  flowpact lint --spec FILE [--rules redocly.yaml]

  --check    write nothing; list what differs from the output and exit 1
  --runtime  where generated code imports its runtime from (default @flowpact/codegen/nest)
  --skip     leave out a feature the generator cannot express, by the code of its error
`;

/** Where the CLI writes; `process.stdout` and `process.stderr` outside tests. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/** Runs the CLI. Resolves to the exit code: 0, 1 for problems in the contract or drift, 2 for wrong usage. */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  const options = parse(args);
  if (typeof options === 'string') {
    streams.err(`${options === '' ? '' : `${options}\n\n`}${USAGE}`);
    return 2;
  }
  if (options.help) {
    streams.out(USAGE);
    return 0;
  }
  try {
    return options.command === 'lint' ? await runLint(options, streams) : await runGenerate(options, streams);
  } catch (error) {
    if (!(error instanceof GeneratorError)) throw error;
    const count = error.problems.length;
    streams.err(`${error.problems.map(formatProblem).join('\n')}\n\n${count} ${count === 1 ? 'error' : 'errors'}\n`);
    return 1;
  }
}

interface Options {
  readonly command: string;
  readonly help: boolean;
  readonly check: boolean;
  readonly config: string;
  readonly spec?: string;
  readonly out?: string;
  readonly name?: string;
  readonly runtime?: string;
  readonly rules?: string;
  readonly skip: readonly string[];
}

/** A string is what is wrong with the arguments. */
function parse(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string', default: 'flowpact.config.ts' },
        spec: { type: 'string' },
        out: { type: 'string' },
        name: { type: 'string' },
        runtime: { type: 'string' },
        rules: { type: 'string' },
        skip: { type: 'string', multiple: true, default: [] },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [command = '', ...rest] = positionals;
    if (values.help) return { ...values, command };
    if (command !== 'generate' && command !== 'lint') return command === '' ? '' : `there is no command ${command}`;
    if (rest.length > 0) return `unexpected ${rest.join(' ')}`;
    if (command === 'generate' && (values.spec === undefined) !== (values.out === undefined)) {
      return '--spec and --out belong together';
    }
    return { ...values, command };
  } catch (error) {
    return (error as Error).message;
  }
}

async function configuration(options: Options): Promise<{ config: FlowpactConfig; root: string }> {
  if (options.spec === undefined) return loadConfig(options.config);
  const name = options.name ?? nameOf(options.spec);
  return {
    root: process.cwd(),
    config: defineConfig({
      contracts: [{ name, spec: options.spec, out: options.out ?? '', skip: options.skip }],
      runtimeImport: options.runtime,
      lintConfig: options.rules,
    }),
  };
}

/** `spec/museum/openapi.yaml` -> `museum`, `museum.yaml` -> `museum`. */
function nameOf(spec: string): string {
  const file = basename(spec).replace(/\.(ya?ml|json)$/, '');
  return file === 'openapi' ? basename(dirname(resolve(spec))) : file;
}

async function runGenerate(options: Options, streams: Streams): Promise<number> {
  const { config, root } = await configuration(options);
  const outputs = await generate(config, root);
  let drift = 0;
  for (const output of outputs) {
    const found = options.check ? await differences(output) : await write(output);
    for (const { kind, file } of found) {
      if (options.check || kind !== 'missing') streams.out(`${kind.padEnd(11)} ${relative(process.cwd(), file)}\n`);
    }
    drift += found.length;
    streams.out(summary(output, options.check ? 'checked' : 'wrote'));
  }
  if (!options.check || drift === 0) return 0;
  streams.err(`${drift} ${drift === 1 ? 'file differs' : 'files differ'} from the contract; run flowpact generate\n`);
  return 1;
}

function summary(output: Output, verb: string): string {
  const skipped = [...output.skipped].map(([code, count]) => `${code} (${count})`).join(', ');
  const folder = relative(process.cwd(), output.folder) || '.';
  return `${verb} ${output.files.length} files of ${output.contract} (${output.target}) in ${folder}${skipped === '' ? '' : `, left out: ${skipped}`}\n`;
}

async function runLint(options: Options, streams: Streams): Promise<number> {
  const { config, root } = await configuration(options);
  const rules = config.lintConfig === undefined ? undefined : resolve(root, config.lintConfig);
  if (config.contracts.length === 0) throw configError('there are no contracts to lint', 'add one to contracts');
  let errors = 0;
  for (const contract of config.contracts) {
    const result = await lint(resolve(root, contract.spec), rules, root);
    for (const problem of result.warnings) streams.out(`${formatProblem(problem).replace(' error ', ' warning ')}\n`);
    for (const problem of result.errors) streams.err(`${formatProblem(problem)}\n`);
    errors += result.errors.length;
    streams.out(`${contract.name}: ${result.errors.length} errors, ${result.warnings.length} warnings\n`);
  }
  return errors === 0 ? 0 : 1;
}
