import { describe, expect, test } from '@jest/globals';
import { AddressPolicy } from './address-policy.ts';

describe('addresses', () => {
  const policy = new AddressPolicy([]);

  test.each(['93.184.216.34', '8.8.8.8', '2606:4700:4700::1111', '2a00:1450:4001::8a'])('%s is public', (address) => {
    expect(policy.allowsAddress(address)).toBe(true);
  });

  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.8.9.10'],
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['link-local, metadata', '169.254.169.254'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['carrier-grade NAT, metadata', '100.100.100.200'],
    ['protocol assignments', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 loopback', '::1'],
    ['IPv6 unspecified', '::'],
    ['IPv6 link-local', 'fe80::1'],
    ['IPv6 link-local with a zone', 'fe80::1%eth0'],
    ['IPv6 site-local', 'fec0::1'],
    ['IPv6 unique local, metadata', 'fd00:ec2::254'],
    ['IPv6 multicast', 'ff02::1'],
    ['IPv6 documentation', '2001:db8::1'],
    ['IPv6 discard', '100::1'],
    ['IPv4-mapped', '::ffff:10.0.0.1'],
    ['IPv4-mapped loopback', '::ffff:7f00:1'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-translated', '::ffff:0:10.0.0.1'],
    ['NAT64', '64:ff9b::a00:1'],
    ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4', '2002:a00:1::'],
    ['Teredo', '2001:0:a00:1::'],
    ['not an address', 'localhost'],
    ['nothing', ''],
  ])('%s is refused: %s', (_, address) => {
    expect(policy.allowsAddress(address)).toBe(false);
  });
});

describe('the allow-list', () => {
  const policy = new AddressPolicy([
    'localhost:8080',
    'intranet.example',
    '10.1.0.0/16',
    '127.0.0.1:3000',
    '[::1]:3000',
  ]);

  test.each<[host: string, port: number, want: boolean]>([
    ['localhost', 8080, true],
    ['LOCALHOST', 8080, true],
    ['localhost', 8081, false],
    ['intranet.example', 1, true],
    ['other.example', 1, false],
    ['127.0.0.1', 3000, true],
    ['127.0.0.1', 3001, false],
    ['::1', 3000, true],
  ])('host %s port %i: %s', (host, port, want) => {
    expect(policy.allowsHost(host, port)).toBe(want);
  });

  test.each<[address: string, want: boolean]>([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['10.2.0.1', false],
  ])('address %s: %s', (address, want) => {
    expect(policy.allowsAddress(address)).toBe(want);
  });

  test.each<[host: string, port: number, want: boolean]>([
    ['localhost', 8080, false],
    ['localhost', 8081, true],
    ['api.localhost', 80, true],
    ['localhost.example', 80, false],
    ['10.1.2.3', 80, false],
    ['0xa010203', 80, false],
    ['10.2.0.1', 80, true],
    ['[::1]', 3000, false],
    ['[::1]', 3001, true],
    ['8.8.8.8', 80, false],
    ['nowhere.example', 80, false],
  ])('host %s port %i is refused before any call: %s', (host, port, want) => {
    expect(policy.refuses(host, port)).toBe(want);
  });

  test('a range with the address of this machine allows its names', () => {
    expect(new AddressPolicy(['127.0.0.0/8']).refuses('localhost', 80)).toBe(false);
    expect(new AddressPolicy(['::1/128']).refuses('x.localhost.', 80)).toBe(false);
  });
});
