/** Where this server makes no calls to, as far as it is known before one is made. */
export abstract class OutgoingAddresses {
  /**
   * Whether every call to this host would be refused: it is a private or reserved address, however it is written, or a name
   * of this machine, and the operator does not allow it. Other names are judged by their addresses at each call.
   */
  abstract refuses(host: string, port: number): boolean;
}

/** What is told about a host that is refused. */
export const refusedHost =
  'leads to a private or reserved address, which this server does not call; name a public one, or have its operator list the host in OUTGOING_ALLOWED_HOSTS';

/** The port of a URL, also where it is that of the scheme. */
export function portOf({ port, protocol }: Pick<URL, 'port' | 'protocol'>): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}
