import { constants, setPriority } from 'node:os';
import { type Noise, noises, type Running } from '../../server/test/tenancy/noises.ts';
import { Tenant } from '../../server/test/tenancy/tenant.ts';

/**
 * The clients of the noisy organisation, in a process of their own that gets what the server and its database leave of the
 * processor, as if it were another machine's: over IPC it is told what noise to make, answers when that has begun, and says at
 * its end whether it went on to there.
 */
export interface NoiseOrder {
  readonly name: string;
  readonly url: string;
  readonly apiKey: string;
  readonly receiverUrl: string;
  readonly size: number;
}

setPriority(constants.priority.PRIORITY_LOW);

let tenant: Tenant | undefined;
let running: Running | undefined;

async function begin({ name, url, apiKey, receiverUrl, size }: NoiseOrder): Promise<void> {
  const noise = noises.find((one: Noise) => one.name === name)!;
  tenant ??= new Tenant(url, apiKey);
  running = await noise.start(tenant, { url: receiverUrl }, size);
  process.send!({ began: true });
}

async function end(): Promise<void> {
  const wasOn = await running!.isOn();
  await running!.stop();
  process.send!({ wasOn });
}

process.on('message', (order: NoiseOrder | 'end') => void (order === 'end' ? end() : begin(order)));
process.on('disconnect', () => process.exit(0));
process.send!({ ready: true });
