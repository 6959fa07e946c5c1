import { ContractDocument } from '../verifier/contract-document.ts';
import type { ApiCaller } from '../harness/contract-harness.ts';
import { send } from '../harness/send.ts';
import { goodRequests } from '../harness/tags/index.ts';

/** A server and a user of it who may do everything. */
export interface Account {
  readonly url: string;
  readonly email: string;
  readonly password: string;
}

/** The key that a run uses. */
export interface Key {
  readonly id: string;
  readonly secret: string;
}

/** Ids of what exists on the server, for hooks.py. */
export interface Fixture {
  /** Parameters of the path, by operation id; each set belongs together. */
  readonly paths: Record<string, Record<string, string>[]>;
  /** Ids by the names that properties of requests refer to them with. */
  readonly references: Record<string, string[]>;
}

/** Names that mean the same wherever they stand; `node_id` means something inside of one workflow only. */
const reference = /^(?!node_|edge_).*_id$/;
/** How many of each thing are made: half of them are for the operations that delete. */
const times = 6;

/** Makes a key for everything. */
export async function createKey(account: Account, contract: ContractDocument): Promise<Key> {
  const { email, password } = account;
  const session = await callerOf(account, contract).call('login', { json: { email, password } });
  const headers = { authorization: `Bearer ${session.body.data.access_token}` };
  const json = { name: 'Schemathesis', bundles: ['full-access'] };
  const { body } = await callerOf(account, contract).call('createApiKey', { headers, json });
  return { id: body.data.api_key.id, secret: body.data.secret };
}

/** Makes something of every kind, several times over. */
export async function createFixture(account: Account, key: Key, contract: ContractDocument): Promise<Fixture> {
  const caller = callerOf(account, contract, key.secret);
  const paths: Fixture['paths'] = {};
  const references: Fixture['references'] = {};
  for (let time = 0; time < times; time += 1) {
    for (const [operationId, { path = {} }] of Object.entries(await goodRequests(caller))) {
      (paths[operationId] ??= []).push(path);
      // The other half gets deleted.
      if (time >= times / 2) continue;
      for (const [name, id] of Object.entries(path)) if (reference.test(name)) (references[name] ??= []).push(id);
    }
  }
  return { paths, references };
}

function callerOf(account: Account, contract: ContractDocument, apiKey: string | null = null): ApiCaller {
  return {
    server: { admin: account },
    async call(operationId, options = {}) {
      const result = await send(fetch, account.url, contract.operation(operationId), { apiKey, ...options });
      if (result.status < 400) return result;
      throw new Error(`${operationId} answered ${result.status}: ${result.text}`);
    },
  };
}
