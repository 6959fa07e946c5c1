import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { portOf } from '../../domain/outgoing-addresses.ts';
import type { AddressPolicy } from './address-policy.ts';

/** The address is one that outgoing calls may not reach. */
export class RefusedAddressError extends Error {
  constructor(host: string) {
    super(`the address of ${host} is private or reserved, and the operator of this server does not allow it`);
    this.name = 'RefusedAddressError';
  }
}

/** How host names become addresses; tests give their own. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Names as the system knows them, files and servers alike. */
export const systemResolve: Resolve = systemLookup;

/**
 * Connects to allowed addresses only. A name is resolved once, and the socket goes to what was judged; an address in the
 * URL is judged as it is; and the peer of the open socket is judged again, so that no way around the first two is left.
 */
export function guardedConnector(
  policy: AddressPolicy,
  timeout: number,
  resolve: Resolve = systemResolve,
): buildConnector.connector {
  const open = buildConnector({ timeout });
  const guarded = buildConnector({ timeout, lookup: filteredLookup(policy, resolve) });
  return (options, callback) => {
    if (policy.allowsHost(options.hostname, portOf(options))) return open(options, callback);
    if (isIP(options.hostname) && !policy.allowsAddress(options.hostname)) {
      return callback(new RefusedAddressError(options.hostname), null);
    }
    guarded(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error) return callback(error, null);
      if (policy.allowsAddress(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(new RefusedAddressError(options.hostname), null);
    });
  };
}

/** Finds the allowed addresses of a name; fails with RefusedAddressError when it has none. */
export function filteredLookup(policy: AddressPolicy, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const allowed = addresses.filter(({ address }) => policy.allowsAddress(address));
      if (allowed.length === 0) return callback(new RefusedAddressError(hostname), '');
      if (options.all) return callback(null, allowed);
      callback(null, allowed[0]!.address, allowed[0]!.family);
    });
  };
}
