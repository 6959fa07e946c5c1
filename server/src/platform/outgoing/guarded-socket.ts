import { connect, isIP, type Socket } from 'node:net';
import type { AddressPolicy } from './address-policy.ts';
import { filteredLookup, RefusedAddressError, type Resolve } from './guarded-connector.ts';

/** Where a socket goes, and when that is given up, also when it is open already. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** A plain connection to an allowed address, judged as the guarded connector judges. Rejects with RefusedAddressError. */
export function guardedSocket(policy: AddressPolicy, resolve: Resolve, target: SocketTarget): Promise<Socket> {
  const { host, port, signal } = target;
  const isListed = policy.allowsHost(host, port);
  if (!isListed && isIP(host) && !policy.allowsAddress(host)) return Promise.reject(new RefusedAddressError(host));
  return new Promise((opened, failed) => {
    const socket = connect({ host, port, signal, ...(!isListed && { lookup: filteredLookup(policy, resolve) }) });
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      if (isListed || policy.allowsAddress(socket.remoteAddress ?? '')) return opened(socket);
      socket.destroy();
      failed(new RefusedAddressError(host));
    });
  });
}
