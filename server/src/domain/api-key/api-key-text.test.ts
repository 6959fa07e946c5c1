import { expect, test } from '@jest/globals';
import { looksLikeApiKey, mintSecret } from './api-key-text.ts';

test('a minted secret has its checksum, and one wrong letter is noticed without a look-up', () => {
  for (let i = 0; i < 100; i++) {
    const { text } = mintSecret();
    expect(looksLikeApiKey(text)).toBe(true);
    const last = text.at(-8) === 'a' ? 'b' : 'a';
    expect(looksLikeApiKey(text.slice(0, -8) + last + text.slice(-7))).toBe(false);
  }
});

test('secrets do not repeat', () => {
  expect(new Set(Array.from({ length: 1000 }, () => mintSecret().text)).size).toBe(1000);
});
