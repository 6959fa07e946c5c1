import ipaddr from 'ipaddr.js';
import { OutgoingAddresses } from '../../domain/outgoing-addresses.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** IPv6 addresses that the regional registries hand out; all others are special (RFC 4291 section 2.4). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Which addresses outgoing calls may reach: public ones, and those that the operator lists as `host`, `host:port`,
 * an address or a CIDR range.
 */
export class AddressPolicy extends OutgoingAddresses {
  readonly #hosts: ReadonlySet<string>;
  readonly #ranges: readonly [Address, number][];

  /** Entries that are neither a range nor an address are host names. */
  constructor(allowed: readonly string[]) {
    super();
    const ranges = allowed.filter((entry) => ipaddr.isValidCIDR(entry));
    this.#ranges = ranges.map((range) => ipaddr.parseCIDR(range));
    this.#hosts = new Set(allowed.filter((entry) => !ranges.includes(entry)).map((entry) => entry.toLowerCase()));
  }

  /** Whether the operator lists this host by its name, whatever its addresses are. */
  allowsHost(hostname: string, port: number): boolean {
    const host = hostname.toLowerCase().replace(/^\[|\]$/g, '');
    return this.#hosts.has(host) || this.#hosts.has(`${host}:${port}`) || this.#hosts.has(`[${host}]:${port}`);
  }

  /** Whether a call may be made to this address. */
  allowsAddress(text: string): boolean {
    if (!ipaddr.isValid(text)) return false;
    // `process` takes an IPv4 address out of its IPv6 form (::ffff:10.0.0.1).
    const address = ipaddr.process(text);
    return (
      isPublic(address) ||
      this.#ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
    );
  }

  override refuses(host: string, port: number): boolean {
    if (this.allowsHost(host, port)) return false;
    const name = canonical(host);
    if (ipaddr.isValid(name)) return !this.allowsAddress(name);
    return isOwnName(name) && !['127.0.0.1', '::1'].some((address) => this.allowsAddress(address));
  }
}

/** An address in one form, whatever it is written in, as URLs have it (URL Standard, host parsing); a name in small letters. */
function canonical(host: string): string {
  const url = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}/`;
  return (URL.canParse(url) ? new URL(url).hostname : host.toLowerCase()).replace(/^\[|\]$|\.$/g, '');
}

/** RFC 6761 section 6.3: these names lead to the machine that asks. */
function isOwnName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

/**
 * Private, loopback, link-local (where cloud metadata lives), carrier-grade NAT, multicast and reserved addresses are not
 * public; nor are the IPv6 forms that carry an IPv4 address (NAT64, 6to4, Teredo).
 */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return !(address instanceof ipaddr.IPv6) || address.match(globalUnicast);
}
