import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const ORDERS: Record<string, { customer: string; lines: { item: string; price: number; quantity: number }[] }> = {
  'A-1042': {
    customer: 'Ada Lovelace',
    lines: [
      { item: 'punched cards', price: 0.5, quantity: 500 },
      { item: 'brass gear', price: 120, quantity: 8 },
    ],
  },
  'A-1043': { customer: 'Charles Babbage', lines: [{ item: 'brass gear', price: 120, quantity: 1 }] },
};

export interface Shop {
  url: string;
  close(): void;
}

/** The small service that the example workflow calls. */
export async function startShop(): Promise<Shop> {
  let confirmations = 0;
  const server = createServer((request, response) => {
    const [, , id, action] = (request.url ?? '').split('/');
    const order = ORDERS[decodeURIComponent(id ?? '')];
    response.setHeader('content-type', 'application/json');
    if (!order) response.writeHead(404).end(JSON.stringify({ message: `No order ${id}.` }));
    else if (action === 'confirmations') response.writeHead(201).end(JSON.stringify({ confirmation: ++confirmations }));
    else response.end(JSON.stringify({ id, ...order }));
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}
