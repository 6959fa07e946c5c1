import { Client, type ClientOptions } from './core/index.ts';
import { Executions } from './executions.ts';
import { Resources, wire } from './generated/index.ts';

export interface FlowpactOptions extends Omit<ClientOptions, 'baseUrl'> {
  /** Where the server is. Default `http://localhost:3000`. */
  baseUrl?: string;
}

/**
 * The Flowpact platform: `const fp = new Flowpact({ apiKey, baseUrl })`, then a property for each resource. Without a
 * credential only public operations work, such as `fp.auth.login(...)`.
 */
export class Flowpact extends Resources {
  override readonly executions: Executions;

  constructor({ baseUrl = 'http://localhost:3000', ...options }: FlowpactOptions = {}) {
    const client = new Client({ baseUrl, ...options }, wire);
    super(client);
    this.executions = new Executions(client);
  }
}
