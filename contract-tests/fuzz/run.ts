/**
 * Tests a live server with Schemathesis for a bounded time: requests that the contract allows and such that it does not,
 * sequences of them, and every check on what comes back. Prints what was found and how to find it again.
 *
 * `FUZZ_SEED` and `FUZZ_SECONDS` choose other requests and another time. Uses the server at `FLOWPACT_URL` (with
 * `FLOWPACT_EMAIL` and `FLOWPACT_PASSWORD`), or starts one of its own.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideServer } from '../../server/test/provided-server.ts';
import { ContractDocument } from '../verifier/contract-document.ts';
import { type Account, createFixture, createKey } from './fixture.ts';
import { type Notes, readRules, type Report, type Results, resultsOf, summarise } from './results.ts';
import { install, runSchemathesis } from './schemathesis.ts';

const root = join(import.meta.dirname, '..', '..');
const seed = wholeNumber('FUZZ_SEED', 20_261_129);
const seconds = wholeNumber('FUZZ_SECONDS', 120);

async function main(): Promise<Results> {
  const command = await install(join(root, 'node_modules/.cache'));
  const work = await mkdtemp(join(tmpdir(), 'flowpact-fuzz-'));
  // Where this runs as root, the embedded PostgreSQL runs as another account, which has to get through.
  await chmod(work, 0o711);
  const server = await provideServer({
    FLOWPACT_DATA_DIR: join(work, 'data'),
    FLOWPACT_ADMIN_EMAIL: 'fuzz@flowpact.local',
    FLOWPACT_ADMIN_PASSWORD: 'a-password-for-fuzzing',
    LOG_LEVEL: 'warn',
    RESPONSE_VALIDATION: 'throw',
    // Limits answer before what is to be tested.
    RATE_LIMITS: 'false',
    // Where the webhooks of the fixture lead; nobody listens there.
    OUTGOING_ALLOWED_HOSTS: '127.0.0.1:9',
  });
  try {
    return await testServer(server, command, work);
  } finally {
    await server.stop();
    await rm(work, { recursive: true, force: true });
  }
}

async function testServer(account: Account, command: string, work: string): Promise<Results> {
  const contract = await ContractDocument.load(join(root, 'spec/platform/openapi.yaml'));
  const key = await createKey(account, contract);
  const files = {
    fixture: join(work, 'fixture.json'),
    notes: join(work, 'notes.json'),
    report: join(work, 'report.json'),
  };
  const fixture = { seed, ownKey: key.id, ...(await createFixture(account, key, contract)) };
  await writeFile(files.fixture, JSON.stringify(fixture));
  console.log(`Schemathesis with seed ${seed}, for ${seconds} s at most`);
  const run = { url: account.url, apiKey: key.secret, seed, seconds, ...files };
  const { exitCode, output } = await runSchemathesis(command, run);
  const report = await readJson<Report>(files.report);
  if (exitCode !== 0 || report === undefined) {
    console.log(output);
    console.log(`To see it again: FUZZ_SEED=${seed} FUZZ_SECONDS=${seconds} npm run test:fuzz`);
  }
  if (report === undefined) return { passed: 0, failed: 1 };
  console.log(
    summarise(report, (await readJson<Notes>(files.notes)) ?? { rules: {}, succeeded: [] }, await readRules()),
  );
  return resultsOf(report, exitCode);
}

/** Undefined when it was not written. */
async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** For people, and in `.report/` for the sum that CI prints. */
async function report({ passed, failed }: Results): Promise<void> {
  const folder = join(root, '.report');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'fuzz.json'), JSON.stringify({ passed, failed }));
  console.log(`${passed} passed, ${failed} failed`);
}

function wholeNumber(variable: string, otherwise: number): number {
  const text = process.env[variable] ?? '';
  if (text === '') return otherwise;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${variable} is not a whole number: ${text}`);
  return Number(text);
}

const results = await main();
await report(results);
process.exitCode = results.failed === 0 && results.passed > 0 ? 0 : 1;
