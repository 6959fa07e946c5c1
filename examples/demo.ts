// The main job on real input: a workflow that calls a service, computes, branches and asks for an approval, driven through the TypeScript SDK.
//
//   npm run demo                                        starts a platform of its own
//   FLOWPACT_URL=http://localhost:3000 FLOWPACT_API_KEY=fp_live_... npm run demo
//                                                       uses a running one (start it with OUTGOING_ALLOWED_HOSTS=127.0.0.1)
import { readFileSync } from 'node:fs';
import { Flowpact, type models } from '#sdk';
import { startDemoServer, type DemoServer } from './demo-server.ts';
import { startShop } from './shop.ts';

async function connect(allowedHost: string): Promise<{ fp: Flowpact; server?: DemoServer }> {
  const { FLOWPACT_URL: baseUrl, FLOWPACT_API_KEY: apiKey } = process.env;
  if (baseUrl !== undefined) {
    if (!apiKey) throw new Error('FLOWPACT_URL is set: set FLOWPACT_API_KEY as well, to a key of that server.');
    return { fp: new Flowpact({ apiKey, baseUrl }) };
  }
  console.log('Starting a platform for the demo ...');
  const server = await startDemoServer(allowedHost);
  const session = await new Flowpact({ baseUrl: server.url }).auth.login({
    email: server.email,
    password: server.password,
  });
  return { fp: new Flowpact({ accessToken: session.access_token, baseUrl: server.url }), server };
}

async function follow(fp: Flowpact, executionId: string): Promise<void> {
  for await (const event of fp.executions.stream(executionId)) {
    if (event.type === 'execution:progress') console.log(`  ${progressBar(event.data.progress)}`);
    else if (event.type === 'execution:waiting') {
      console.log(`  ${event.data.node_id} waits (${event.data.reason})`);
      if (event.data.reason === 'approval') await approve(fp, executionId);
    } else if (event.type === 'node:started') console.log(`  ${event.data.node_id} ...`);
    else if (event.type === 'node:failed') console.log(`  ${event.data.node_id} failed: ${event.data.error.message}`);
  }
}

/** What a person would do in a page of theirs. */
async function approve(fp: Flowpact, executionId: string): Promise<void> {
  for await (const approval of fp.approvals.list({ execution_id: executionId, status: 'pending' })) {
    console.log(`    ${approval.message}`);
    await fp.approvals.approve(approval.id, { note: 'A good customer.' });
    console.log('    Approved.');
  }
}

function progressBar(percent: number): string {
  const filled = Math.round(percent / 5);
  return `[${'#'.repeat(filled)}${'.'.repeat(20 - filled)}] ${Math.round(percent)} %`;
}

function describeStep(step: models.ExecutionStep): string {
  const name = `${step.node_id} (${step.node_type})`.padEnd(26);
  return `  ${name} ${step.status.padEnd(10)} ${step.duration_ms ?? 0} ms`.trimEnd();
}

async function run(fp: Flowpact, shop: string): Promise<models.Execution> {
  const yaml = readFileSync(new URL('order-approval.yaml', import.meta.url), 'utf8');
  const workflow = await fp.workflows.import(yaml, { contentType: 'application/yaml' });
  console.log(`Created   ${workflow.name} ${workflow.id}`);
  const version = await fp.workflows.publish(workflow.id, {});
  console.log(`Published version ${version.version}`);
  const accepted = await fp.workflows.execute(workflow.id, {
    input: { shop, order_id: 'A-1042' },
    metadata: { source: 'demo' },
  });
  console.log(`Executing ${accepted.id}`);
  await follow(fp, accepted.id);
  const execution = await fp.executions.waitForCompletion(accepted.id);
  console.log(`\n${execution.status} in ${execution.duration_ms} ms\n\nSteps`);
  for await (const step of fp.executions.listSteps(accepted.id)) console.log(describeStep(step));
  console.log(`\nOutput\n${JSON.stringify(execution.output ?? execution.error, null, 2)}`);
  return execution;
}

const shop = await startShop();
let server: DemoServer | undefined;
try {
  const connected = await connect(new URL(shop.url).host);
  server = connected.server;
  const execution = await run(connected.fp, shop.url);
  process.exitCode = execution.status === 'completed' ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await server?.stop();
  shop.close();
}
