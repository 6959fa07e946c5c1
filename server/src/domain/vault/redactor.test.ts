import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Redactor } from './redactor.ts';

const redactor = new Redactor([
  { value: 'pa"ss/wörd&', label: '[secret A]' },
  { value: 'pa"ss', label: '[secret B]' },
  { value: '12345678', label: '[secret C]' },
  { value: 'abc', label: '[too short]' },
]);

test.each<[given: unknown, want: unknown]>([
  ['it is pa"ss/wörd& indeed', 'it is [secret A] indeed'],
  ['pa"ss only', '[secret B] only'],
  [{ 'key pa"ss': [{ deep: 'pa"ss' }] }, { 'key [secret B]': [{ deep: '[secret B]' }] }],
  [
    { code: 12345678, other: 1234567, yes: true, none: null },
    { code: '[secret C]', other: 1234567, yes: true, none: null },
  ],
  ['/a?x=pa%22ss%2Fw%C3%B6rd%26', '/a?x=[secret A]'],
  ['x=pa%22ss%2Fw%C3%B6rd%26&y=1', 'x=[secret A]&y=1'],
  ['{"a":"pa\\"ss\\/wörd&"}', '{"a":"[secret A]"}'],
  ['pa&quot;ss/wörd&amp;', '[secret A]'],
  ['abc', 'abc'],
  // The longer one is whole behind the shorter one that begins it, before it and around it.
  ['pa"sspa"ss/wörd&', '[secret B][secret A]'],
  ['pa"ss/wörd&pa"ss', '[secret A][secret B]'],
  ['pa"ss/wörd', '[secret B]/wörd'],
])('%j', (given, want) => {
  expect(redactor.json(given as never)).toEqual(want);
});

test('a value is found in base64 and hexadecimal digits, wherever it stands in them', () => {
  const value = fc.string({ minLength: 12, maxLength: 40, unit: 'binary' }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
      const found = new Redactor([{ value: secret, label: '*' }]);
      const bytes = Buffer.from(before + secret + after);
      for (const form of ['base64', 'base64url', 'hex'] as const)
        expect(found.text(bytes.toString(form))).toContain('*');
      expect(found.text(before + secret + after)).toContain('*');
    }),
    { numRuns: 200 },
  );
});

test('bytes that are no text are looked through too', async () => {
  const bytes = Buffer.concat([Buffer.of(0xff, 0x00), Buffer.from('pa"ss/wörd&'), Buffer.of(0xfe)]);
  expect(Buffer.from(await redactor.bytesInPieces(bytes)).toString('latin1')).toBe('\u00ff\u0000[secret A]\u00fe');
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('encodings around each other', () => {
  const secret = 'sk_live_8fJ2"mQ0/vXr~>?';
  const finds = new Redactor([{ value: secret, label: '*' }]);
  const base64url = (text: string): string => Buffer.from(text).toString('base64url');
  const json = (text: string): string => JSON.stringify({ a: 'é', key: text, n: 1 });
  const percent = encodeURIComponent;
  const html = (text: string): string => text.replace(/[&<>"'/]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const wrapped = (text: string): string => text.replace(/.{64}(?=.)/g, '$&\r\n  ');
  const everyLetter = (text: string): string => text.replace(/./g, (l) => `%${l.charCodeAt(0).toString(16)}`);
  const unicode = (text: string): string =>
    text.replace(/./g, (l) => String.raw`\u` + l.charCodeAt(0).toString(16).padStart(4, '0'));
  const sentence = `before it ${secret} and behind it, which makes more than one line of seventy-six characters`;

  test.each<[name: string, text: string]>([
    ['base64 in base64', base64(`user:${base64(sentence)}`)],
    ['base64 in base64 in base64 in base64', base64(base64(base64(base64(sentence))))],
    ['base64url in base64', base64(base64url(sentence))],
    ['base64 in the escapes of an URL', percent(base64(`~~~???${sentence}`))],
    ['the escapes of an URL in base64', base64(percent(sentence))],
    ['hexadecimal digits of JSON', hex(json(sentence))],
    ['upper-case digits of JSON', hex(json(sentence)).toUpperCase()],
    ['base64 of JSON in JSON of JSON', json(json(base64(json(sentence))))],
    ['base64 in lines', wrapped(base64(sentence))],
    ['base64 in lines of 76 in JSON', json(base64(sentence).replace(/.{76}(?=.)/g, '$&\n'))],
    ['hexadecimal digits in lines', wrapped(hex(sentence))],
    ['lines of base64 in base64', base64(wrapped(base64(sentence)))],
    ['base64url in a path', `https://a.example/v1/keys/${base64url(sentence)}/edit?x=1`],
    ['HTML of JSON', html(json(sentence))],
    [
      'HTML with hexadecimal references, in JSON',
      json(secret.replace(/./g, (l) => `&#x${l.charCodeAt(0).toString(16)};`)),
    ],
    ['URL escapes of URL escapes', percent(percent(sentence))],
    ['every character in escapes of JSON', unicode(sentence)],
    ['every character in URL escapes of URL escapes', everyLetter(everyLetter(sentence))],
    ['a form in base64', base64(new URLSearchParams({ user: 'é', key: sentence }).toString())],
  ])('%s: the value is not there any more', (_, text) => {
    const redacted = finds.text(text);
    expect(redacted).toContain('*');
    expect(redacted.length).toBeLessThan(text.length);
    // What is left of the text around it, decoded in any way, does not give it back.
    expect(finds.text(redacted.replaceAll('*', ''))).toBe(redacted.replaceAll('*', ''));
  });

  test('what stands around the value stays', () => {
    const encoded = base64(`123${secret}123`);
    // The first four digits are the `123` before it; 26 bytes end within the 35th digit.
    const left = `MTIz*${encoded.slice(35)}`;
    expect(finds.text(`a=1&b=${percent(encoded)}&c=${percent('Zoë & Co')}`)).toBe(
      `a=1&b=${percent(left)}&c=Zo%C3%AB%20%26%20Co`,
    );
    expect(finds.text(json(sentence))).toBe(JSON.stringify({ a: 'é', key: sentence.replace(secret, '*'), n: 1 }));
  });

  test('any order of encodings is found, up to six of them', () => {
    const encoders = [base64, base64url, hex, percent, html, json, unicode];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...encoders), { minLength: 1, maxLength: 6 }), (order) => {
        const text = order.reduce((inner, encode) => encode(inner), secret);
        expect(finds.text(text)).not.toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test('values with characters beyond ASCII, with line breaks and with escapes of their own', () => {
    for (const value of [
      'пароль "слон" 東京',
      '-----BEGIN KEY-----\nMIIB/+==\nQQ\n-----END KEY-----\n',
      'a%41b\\nc&amp;d%%',
    ]) {
      const redactor = new Redactor([{ value, label: '*' }]);
      const ways = [value, json(value), percent(value), base64(json(value)), base64(percent(value)), hex(value)];
      for (const text of [...ways, value.replaceAll('\n', '\r\n')])
        expect([text, redactor.text(text)]).toEqual([text, expect.stringContaining('*')]);
    }
  });

  test.each(['pa55', 'k9!xZ', 'hunter2', 'Tr0ub4d&3', 'elevenchars'])(
    'the short value %s is found in base64 and hexadecimal digits too',
    (value) => {
      const redactor = new Redactor([{ value, label: '*' }]);
      for (const before of ['', '1', '12', 'user:'])
        for (const encode of [base64, base64url, hex, percent])
          for (const text of [encode(before + value), encode(`${before}${value} and more`)])
            expect([text, redactor.text(text)]).toEqual([text, expect.stringContaining('*')]);
      expect(redactor.text(base64(base64(`user:${value}`)))).toContain('*');
    },
  );
});

describe('several values', () => {
  test('those that overlap are removed together, under the name of the longer one', () => {
    const both = new Redactor([
      { value: 'abcdefgh', label: '[secret A]' },
      { value: 'efghijklmn', label: '[secret B]' },
    ]);
    expect(both.text('<abcdefghijklmn>')).toBe('<[secret B]>');
    expect(both.text(`<${Buffer.from('abcdefghijklmn').toString('hex')}>`)).toBe('<[secret B]>');
    expect(both.text('abcdefghabcdefgh')).toBe('[secret A][secret A]');
  });

  test('one that is another one in base64 is removed where either stands', () => {
    const value = 'a signing key of some length';
    const encoded = Buffer.from(value).toString('base64');
    const both = new Redactor([
      { value, label: '[secret A]' },
      { value: encoded, label: '[secret B]' },
    ]);
    expect(both.text(`${value} ${encoded}`)).toMatch(/^\[secret A] \[secret [AB]]/);
  });
});

describe('what holds no value', () => {
  const some = new Redactor([
    { value: 'pa55', label: '*' },
    { value: 'sk_live_8fJ2mQ0vXr', label: '*' },
    { value: 'correct horse battery', label: '*' },
  ]);

  test('stays as it is, letter by letter', () => {
    for (const text of [
      '',
      'The order of an encyclopaedia was executed yesterday.\r\nSee C:\\users\\new\\table, 100%25 of 50%, AT&amp;T &copy; &#0; &#x110000; \\u12 \\ \\u00e4.',
      'pa\n55 pa 55 PA55 sk_live_8fJ2mQ0vX',
      'deadbeef'.repeat(40),
      '\ud83d \udc00 lone surrogates, %ED%A0%80',
      '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGU=\n-----END CERTIFICATE-----',
    ])
      expect(some.text(text)).toBe(text);
  });

  test('any text stays, also one that looks encoded', async () => {
    const letters = fc.string({ unit: fc.constantFrom(...'%\\&;#ux0041AaZz+/=_-\n\r \'"ntéß😀'), maxLength: 300 });
    fc.assert(fc.property(letters, (text) => expect(some.text(text)).toBe(text)));
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(fc.asyncProperty(bytes, async (given) => expect(await some.bytesInPieces(given)).toBe(given)));
  });

  test('values of less than four characters are not looked for', () => {
    expect(new Redactor([{ value: 'abc', label: '*' }]).text('abc YWJj 616263')).toBe('abc YWJj 616263');
  });
});

describe('bytes', () => {
  test('are searched through their encodings, and labels in any script come out as UTF-8', async () => {
    const redactor = new Redactor([{ value: 'sk_live_8fJ2mQ0vXr', label: '[credential Łódź]' }]);
    const given = Buffer.concat([Buffer.of(0xff), Buffer.from(Buffer.from('{sk_live_8fJ2mQ0vXr}').toString('hex'))]);
    expect(Buffer.from(await redactor.bytesInPieces(given))).toEqual(
      Buffer.concat([Buffer.of(0xff), Buffer.from('7b[credential Łódź]7d')]),
    );
  });
});

describe('long texts', () => {
  const size = 5 * 1024 * 1024;
  const value = 'sk_live_8fJ2mQ0vXr';
  const finds = new Redactor([
    { value, label: '*' },
    { value: 'pa55', label: '**' },
  ]);
  const hidden = '[not shown: encoded too often to be searched for secrets]';
  const prose = 'The order of an encyclopaedia was executed yesterday, and information about it is available.\n';

  // Linear, or these would take hours: all of them are of 5 MiB.
  test('a value at the end of five mebibytes of prose and of base64 is found', () => {
    const long = prose.repeat(size / prose.length) + value;
    expect(finds.text(long)).toBe(long.replace(value, '*'));
    const encoded = Buffer.from(long.slice((-size * 3) / 4)).toString('base64');
    const redacted = finds.text(encoded);
    expect(redacted.slice(0, 1000)).toBe(encoded.slice(0, 1000));
    expect(redacted.slice(-8)).toContain('*');
  }, 120_000);

  test('what takes more effort than its length allows is not shown at all', async () => {
    const nested = `%${'25'.repeat(100_000)}41`;
    expect(finds.text(nested)).toBe(hidden);
    expect(finds.json({ ok: 'short', nested })).toEqual({ ok: 'short', nested: hidden });
    expect(Buffer.from(await finds.bytesInPieces(Buffer.from(`\u0000${nested}`))).toString()).toBe(hidden);
  }, 120_000);

  test('a long value does not make short runs of digits expensive', () => {
    const long = new Redactor([{ value: 'k'.repeat(65_536), label: '*' }]);
    const text = `${'a'.repeat(40_000)} `.repeat(128);
    expect(long.text(text)).toBe(text);
  }, 120_000);

  const mebibyte = 1024 * 1024;
  // In one go, each takes a time in which the process does nothing else.
  const crafted: Record<string, { text: string; value: string }> = {
    'escapes of escapes': { text: `%${'25'.repeat(8)}41`.repeat(mebibyte / 19), value },
    'digits in lines': { text: `${'QUFB'.repeat(4)}\n`.repeat(mebibyte / 17), value: 'pa55' },
    'digits that are too few': { text: 'aaaaaaaaaaaaaaa '.repeat(mebibyte / 16), value: 'k'.repeat(40) },
    'base64 of base64 of base64': { text: base64(base64(base64(`${prose}%41\\n`.repeat(4_000)))), value: 'pa55' },
    'a long value that repeats itself as the text does': {
      text: 'a'.repeat(mebibyte),
      value: `${'a'.repeat(16_000)}b${'a'.repeat(16_000)}`,
    },
  };

  test.each(Object.keys(crafted))(
    '%s: the event loop turns while a mebibyte of them is redacted',
    async (name) => {
      const { text, value: crafty } = crafted[name]!;
      const redactor = new Redactor([{ value: crafty, label: '*' }]);
      let turns = 0;
      let isOver = false;
      const count = (): void => {
        turns += 1;
        if (!isOver) setImmediate(count);
      };
      setImmediate(count);
      const redacted = await redactor.textInPieces(text);
      isOver = true;
      expect(turns).toBeGreaterThan(3);
      expect([text, hidden]).toContain(redacted);
    },
    60_000,
  );

  test('a long value that repeats itself is found where it begins within what looked like it', () => {
    const repeating = `${'ab'.repeat(100)}c${'ab'.repeat(100)}`;
    const redactor = new Redactor([{ value: repeating, label: '*' }]);
    const texts = [`${'ab'.repeat(7)}${repeating}`, `${repeating.slice(0, -1)}${repeating}`, repeating.repeat(2)];
    const naive = texts.map((text) => text.replaceAll(repeating, '*'));
    expect(texts.map((text) => redactor.text(text))).toEqual(naive);
    expect(naive).toEqual([`${'ab'.repeat(7)}*`, `${repeating.slice(0, -1)}*`, '**']);
  });

  test('a value in thousands of places is removed from all of them, one in tens of thousands hides the text', async () => {
    expect(finds.text('pa55 '.repeat(10_000))).toBe('** '.repeat(10_000));
    const tooMany = '[not shown: holds secrets in too many places]';
    expect(finds.text('pa55 '.repeat(10_001))).toBe(tooMany);
    expect(await finds.textInPieces('pa55 '.repeat(10_001))).toBe(tooMany);
    expect(finds.json({ a: 'pa55 '.repeat(10_001), b: 'pa55' })).toEqual({ a: tooMany, b: '**' });
  });

  test('a value across the parts that are searched one after the other is found', async () => {
    const lengthy = `-----BEGIN-----${'key'.repeat(300)}`;
    const redactor = new Redactor([{ value: lengthy, label: '*' }]);
    for (const before of [65_000, 65_530, 262_100, 262_144 - 64, 262_140, 524_280])
      for (const encode of [String, hex, base64]) {
        const filler = '. '.repeat(before / 2);
        expect(await redactor.textInPieces(`${filler}${encode(lengthy)}${filler}`)).toBe(`${filler}*${filler}`);
      }
  });
});
