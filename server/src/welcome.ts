import { resolve } from 'node:path';
import type { RunningServer } from './start-server.ts';
import type { Config } from './platform/config/config.ts';

/** What a person sees when the server is up; the only place where the first key is ever shown. */
export function welcome({ made, port, url, metricsUrl, databaseFolder }: RunningServer, config: Config): string {
  const { settings } = config;
  const data =
    databaseFolder === undefined
      ? 'PostgreSQL of DATABASE_URL'
      : `embedded PostgreSQL, data in ${places(settings.FLOWPACT_DATA_DIR, databaseFolder)}`;
  const metrics = metricsUrl === undefined ? [] : [`  Metrics                 ${metricsUrl}`];
  if (settings.FLOWPACT_ROLE === 'worker') {
    const line = `Flowpact works, and listens on ${config.publicUrl(port)} for ${url}/v1/monitoring/health (${data}).`;
    return `\n${[line, ...metrics, '', 'Ctrl-C stops it.'].join('\n')}\n\n`;
  }
  const lines = [
    `Flowpact listens on ${config.publicUrl(port)} (${data}).`,
    '',
    `  Try it in the browser   ${url}/docs`,
    `  The contract            ${url}/openapi.json`,
    `  Health                  ${url}/v1/monitoring/health`,
    ...metrics,
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

function places(dataDir: string, databaseFolder: string): string {
  return resolve(dataDir) === databaseFolder ? dataDir : `${databaseFolder} and ${dataDir}`;
}
