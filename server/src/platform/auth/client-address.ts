import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import ipaddr from 'ipaddr.js';

/**
 * The address by which a client is counted: an IPv4 address, or the /64 of an IPv6 address, because that is what one
 * subscriber gets and could walk through.
 */
export function clientAddress(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/64`).toString()}/64`;
}

/** A parameter of a controller method: the address by which the client is counted. */
export const ClientAddress = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  return clientAddress(context.switchToHttp().getRequest<{ ip: string }>().ip);
});
