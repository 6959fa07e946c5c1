import type { Client } from './client.ts';

/** What every generated resource stands on: the operations of one tag. */
export abstract class Resource {
  protected readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }
}
