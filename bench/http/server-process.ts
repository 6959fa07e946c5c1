import type { AddressInfo, Server } from 'node:net';

/** Tells the benchmark where the server listens, and how much processor time it has used when asked. */
export function report(server: Server): void {
  process.on('message', () => process.send!({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
  process.send!({ port: (server.address() as AddressInfo).port });
}
