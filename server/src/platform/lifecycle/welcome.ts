import type { RunningServer } from '../../start-server.ts';
import type { Config } from '../config/config.ts';

/** What a person sees when the server is up; the only place where the first key is ever shown. */
export function welcome({ made, port, url }: RunningServer, config: Config): string {
  const { settings } = config;
  const data =
    settings.DATABASE_URL === undefined
      ? `embedded PostgreSQL, data in ${settings.FLOWPACT_DATA_DIR}`
      : 'PostgreSQL of DATABASE_URL';
  const lines = [
    `Flowpact listens on ${config.publicUrl(port)} (${data}).`,
    '',
    `  Try it in the browser   ${url}/docs`,
    `  The contract            ${url}/openapi.json`,
    `  Health                  ${url}/v1/monitoring/health`,
    '',
  ];
  if (made) {
    lines.push(
      'First start: an organisation was made for you. These are shown once and never again:',
      '',
      `  Email     ${made.admin.email}`,
      `  Password  ${settings.FLOWPACT_ADMIN_PASSWORD === undefined ? made.adminPassword : '(the one in FLOWPACT_ADMIN_PASSWORD)'}`,
      `  API key   ${made.apiKeySecret}`,
      '',
    );
  }
  lines.push(
    'Ask it something:',
    '',
    `  curl -H 'X-API-Key: ${made?.apiKeySecret ?? '<your API key>'}' ${url}/v1/workflows`,
    '',
    'Ctrl-C stops it.',
    '',
  );
  return `\n${lines.join('\n')}\n`;
}
