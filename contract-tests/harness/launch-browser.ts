import { existsSync } from 'node:fs';
import chromium from '@sparticuz/chromium';
import { chromium as playwright, type Browser } from 'playwright-core';

const INSTALLED = [
  process.env['CHROME_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Without these Chromium calls home at every start. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-gpu',
];

/** Starts an installed Chrome or Chromium, else the one that comes inside an npm package (Linux x64). */
export async function launchBrowser(): Promise<Browser> {
  const installed = INSTALLED.find((file) => file !== '' && existsSync(file));
  const executablePath = installed ?? (await chromium.executablePath());
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  try {
    return await playwright.launch({ executablePath, headless: true, args: [...QUIET, ...asRoot] });
  } catch (cause) {
    throw new Error(
      `${executablePath} does not start. Install Chromium (Debian: apt-get install chromium) or name a browser in CHROME_PATH.`,
      { cause },
    );
  }
}
