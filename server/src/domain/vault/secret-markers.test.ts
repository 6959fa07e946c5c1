import { expect, test } from '@jest/globals';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { SecretMarkers } from './secret-markers.ts';

const old = { id: 'old', key: Buffer.alloc(32, 1) };
const recent = { id: 'recent', key: Buffer.alloc(32, 2) };
const markers = new SecretMarkers(new MasterKeySealer([old]));
const marker = markers.of('exec_1', 'API_KEY');

test('a marker is the same at every replay and survives URLs, forms, JSON and headers', () => {
  expect(markers.of('exec_1', 'API_KEY')).toBe(marker);
  expect(encodeURIComponent(marker)).toBe(marker);
  expect(new URLSearchParams([['', marker]]).toString()).toBe(`=${marker}`);
  expect(new URL(`https://a.test/${marker}?q=${marker}`).href).toBe(`https://a.test/${marker}?q=${marker}`);
});

test('only the marker of this execution, this name and this installation counts', () => {
  const reveal = (text: string, execution = 'exec_1'): string => markers.replaced(execution, text, () => 'secret');
  expect(reveal(`Bearer ${marker}, ${marker}`)).toBe('Bearer secret, secret');
  expect(reveal(marker, 'exec_2')).toBe(marker);
  expect(reveal(marker.replace('API_KEY', 'OTHER'))).toBe(marker.replace('API_KEY', 'OTHER'));
  const elsewhere = new SecretMarkers(new MasterKeySealer([recent])).of('exec_1', 'API_KEY');
  expect(reveal(elsewhere)).toBe(elsewhere);
  expect(markers.namesIn('exec_1', `${elsewhere} ${marker}`)).toEqual(['API_KEY']);
});

test('a marker counts on when a new master key comes', () => {
  const rotated = new SecretMarkers(new MasterKeySealer([recent, old]));
  expect(rotated.replaced('exec_1', marker, (name) => `<${name}>`)).toBe('<API_KEY>');
  expect(rotated.of('exec_1', 'API_KEY')).not.toBe(marker);
});
