import { describe, expect, test } from '@jest/globals';
import { StartupError } from '../lifecycle/startup-error.ts';
import { Config } from './config.ts';

function refusal(environment: Record<string, string>): StartupError {
  try {
    Config.from(environment);
  } catch (error) {
    if (error instanceof StartupError) return error;
  }
  throw new Error('the configuration was accepted');
}

describe('Config', () => {
  test('an empty environment gives a server on port 3000 with the embedded database', () => {
    const { settings } = Config.from({});
    expect(settings).toMatchObject({ PORT: 3000, HOST: '127.0.0.1', FLOWPACT_DATA_DIR: '.data', CORS_ORIGINS: [] });
    expect(settings.DATABASE_URL).toBeUndefined();
  });

  test('an empty value counts as not set', () => {
    expect(Config.from({ PORT: '', DATABASE_URL: '' }).settings.PORT).toBe(3000);
  });

  test('every problem is listed with its variable', () => {
    const { message } = refusal({
      PORT: 'abc',
      DATABASE_URL: 'mysql://x',
      LOG_LEVEL: 'loud',
      CORS_ORIGINS: 'https://a.example/path',
    });
    expect(message).toContain('wrong in 4 places');
    expect(message).toContain('PORT is not a whole number. Port to listen on');
    expect(message).toContain('DATABASE_URL is not a URL that starts with postgresql:// or postgres://.');
    expect(message).toContain('LOG_LEVEL is not one of');
    expect(message).toContain('CORS_ORIGINS has an entry that is not an origin');
  });

  test('a wrong secret is not repeated in the message', () => {
    expect(refusal({ AUTH_SECRET: 'too-short' }).message).not.toContain('too-short');
  });

  test('a mail server needs a sender, and its password is not repeated when it is wrong', () => {
    const SMTP_URL = 'smtps://user:hunter2@mail.example.com';
    expect(refusal({ SMTP_URL }).message).toContain('MAIL_FROM is not set, and SMTP_URL is. Sender of');
    const wrong = refusal({ SMTP_URL: SMTP_URL.replace('smtps', 'imap'), MAIL_FROM: 'nobody' }).message;
    expect(wrong).toContain('wrong in 2 places');
    expect(wrong).not.toContain('hunter2');
    for (const MAIL_FROM of ['a@example.com', 'Flowpact at work <a@example.com>'])
      expect(Config.from({ SMTP_URL, MAIL_FROM }).settings).toMatchObject({ SMTP_URL: { port: 465 }, MAIL_FROM });
  });

  test.each([
    ['true', true],
    ['2', 2],
    ['10.0.0.1, 10.0.0.2', ['10.0.0.1', '10.0.0.2']],
  ])('TRUST_PROXY=%s', (text, want) => {
    expect(Config.from({ TRUST_PROXY: text }).settings.TRUST_PROXY).toEqual(want);
  });

  test('clients see the port that is listened on, unless PUBLIC_URL says otherwise', () => {
    const config = Config.from({ PORT: '0' });
    config.listensOn(4711);
    expect(config.publicUrl()).toBe('http://localhost:4711');
    const proxied = Config.from({ PORT: '0', PUBLIC_URL: 'https://flowpact.example' });
    proxied.listensOn(4711);
    expect(proxied.publicUrl()).toBe('https://flowpact.example');
  });
});
