/**
 * Puts small faults into the code, one at a time, and tells which of them the tests notice:
 * `npm run test:mutation -- --folder server/src/platform/crypto --sample 30 --seed 7`, or `-- --changed` for the files that
 * differ from the last commit. Fails when so few are noticed that
 * the folder misses its threshold in `folders.yaml`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import startPostgres from '../../server/test/start-postgres.ts';
import stopPostgres from '../../server/test/stop-postgres.ts';
import { type Equivalent, type Folder, folderOf, readSettings } from './folders.ts';
import { type Mutant, mutantsOf, mutated } from './mutants.ts';
import { misses, type Score } from './score.ts';
import { TypeCheck } from './type-check.ts';
import { Workspace } from './workspace.ts';

const { values: options } = parseArgs({
  options: {
    /** Only faults in files whose path begins so. */
    folder: { type: 'string', default: '' },
    /** Only faults in folders whose tests need neither a database nor a contract. */
    quick: { type: 'boolean', default: false },
    /** Only faults in files that differ from the last commit. */
    changed: { type: 'boolean', default: false },
    /** How many faults. */
    sample: { type: 'string', default: '20' },
    /** Chooses the same faults again. */
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    /** No fault is begun after so many minutes. */
    minutes: { type: 'string', default: '600' },
    /** Tests that run at once. */
    lanes: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
});

interface Candidate {
  readonly file: string;
  readonly folder: Folder;
  readonly mutant: Mutant;
}

/** Milliseconds that the tests of a folder may take without a fault. */
const maxTestMs = 600_000;

const root = join(import.meta.dirname, '..', '..');
const changedFiles = (): string[] =>
  execFileSync('git', ['diff', '--name-only', '--relative', 'HEAD'], { cwd: root, encoding: 'utf8' }).split('\n');
const sourceOf = (file: string): string => readFileSync(join(root, file), 'utf8');

const { folders, equivalent } = await readSettings();
const seed = Number(options.seed);
const sample = Number(options.sample);
const deadline = Date.now() + Number(options.minutes) * 60_000;
const scores = new Map<Folder, Score>();

function candidates(): Candidate[] {
  const changed = options.changed ? new Set(changedFiles()) : undefined;
  const patterns = folders.map(({ path }) => (path.endsWith('.ts') ? path : `${path}/**/*.ts`));
  return [...new Set(globSync(patterns, { cwd: root }))].flatMap((file) => {
    const folder = folderOf(file, folders);
    const isSource = file.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|\/generated\//.test(file);
    if (!folder || (options.quick && folder.needsSetup !== false)) return [];
    if (!isSource || !file.startsWith(options.folder) || (changed && !changed.has(file))) return [];
    const source = sourceOf(file);
    return mutantsOf(source)
      .filter((mutant) => !equivalent.some((one) => isEquivalent(one, file, source, mutant)))
      .map((mutant) => ({ file, folder, mutant }));
  });
}

function isEquivalent(one: Equivalent, file: string, source: string, mutant: Mutant): boolean {
  if (one.file !== file || one.original !== mutant.original || one.replacement !== mutant.replacement) return false;
  return source.split('\n')[mutant.line - 1]!.trim() === one.line;
}

/** In an order that follows from the seed, and from each fault alone: what changes elsewhere chooses no others. */
function shuffled(items: readonly Candidate[]): Candidate[] {
  const keyOf = ({ file, mutant: { kind, original, replacement } }: Candidate, index: number): string =>
    createHash('sha256').update([seed, file, kind, original, replacement, index].join('\0')).digest('hex');
  // Equal ones are told apart by their number.
  const numbers = new Map<string, number>();
  return items
    .map((item) => {
      const same = keyOf(item, 0);
      const number = numbers.get(same) ?? 0;
      numbers.set(same, number + 1);
      return [keyOf(item, number), item] as const;
    })
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, item]) => item);
}

/** Those of the candidates that compile, as many as are asked for. */
function* chosen(): Generator<Candidate> {
  const types = new TypeCheck(root);
  let count = 0;
  for (const candidate of shuffled(candidates())) {
    if (count >= sample || Date.now() > deadline) return;
    if (!types.compiles(candidate.file, mutated(sourceOf(candidate.file), candidate.mutant))) continue;
    count += 1;
    yield candidate;
  }
}

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
};

/** How long the tests of a folder may take with a fault in it, in milliseconds. */
const limits = new Map<Folder, Promise<number>>();
const workspaces: Workspace[] = [];
let postgres: Promise<void> | undefined;

/** Tests that fail without a fault would notice every one; those that take many times as long with it have noticed it. */
async function checkTests({ path, tests, needsSetup }: Folder, workspace: Workspace): Promise<number> {
  // One for all faults: tests that are cut off would leave theirs behind.
  if (needsSetup !== false) await (postgres ??= startPostgres());
  const since = Date.now();
  const failure = await workspace.failure(tests, maxTestMs, needsSetup);
  if (failure !== undefined)
    throw new Error(`The tests of ${path} fail without a fault: ${tests.join(' ')}\n${failure}`);
  return 30_000 + 5 * (Date.now() - since);
}

/** The tests beside the file are quickest to notice; the others run only where those do not. */
async function isNoticed(file: string, folder: Folder, workspace: Workspace, limit: number): Promise<boolean> {
  const { tests, needsSetup } = folder;
  const beside = file.replace(/\.ts$/, '.test.ts');
  const fails = async (given: readonly string[]): Promise<boolean> =>
    (await workspace.failure(given, limit, needsSetup)) !== undefined;
  return (existsSync(join(root, beside)) && (await fails([beside]))) || fails(tests);
}

async function lane(faults: Iterator<Candidate>): Promise<void> {
  const workspace = new Workspace(root);
  workspaces.push(workspace);
  for (let next = faults.next(); !next.done; next = faults.next()) {
    const { file, folder, mutant } = next.value;
    if (!limits.has(folder)) limits.set(folder, checkTests(folder, workspace));
    const limit = await limits.get(folder)!;
    const since = Date.now();
    workspace.write(file, mutated(sourceOf(file), mutant));
    const survived = !(await isNoticed(file, folder, workspace, limit));
    workspace.write(file, sourceOf(file));
    const score = scores.get(folder) ?? { noticed: 0, all: 0 };
    scores.set(folder, { noticed: score.noticed + (survived ? 0 : 1), all: score.all + 1 });
    const place = `${file}:${mutant.line}`;
    const seconds = ((Date.now() - since) / 1_000).toFixed(0);
    console.log(
      `${survived ? 'SURVIVED' : 'noticed '} ${place}  ${oneLine(mutant.original)} -> ${oneLine(mutant.replacement)} (${mutant.kind}, ${seconds} s)`,
    );
  }
}

async function cleanUp(): Promise<void> {
  for (const workspace of workspaces.splice(0)) workspace.remove();
  await postgres;
  await stopPostgres();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));

console.log(`mutation: --seed ${seed} --sample ${sample}`);
const faults = chosen();
try {
  await Promise.all(Array.from({ length: Number(options.lanes) }, () => lane(faults)));
} finally {
  await cleanUp();
}
for (const [folder, { noticed, all }] of scores) {
  const { path, threshold } = folder;
  const percent = (100 * noticed) / all;
  console.log(`${path}: ${noticed} of ${all} noticed, ${percent.toFixed(0)} % (at least ${threshold})`);
  if (misses(scores.get(folder)!, threshold)) process.exitCode = 1;
}
if (scores.size === 0) console.log('There is no fault to put in.');
