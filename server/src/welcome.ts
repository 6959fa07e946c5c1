import { resolve } from 'node:path';
import type { FirstStart, RunningServer } from './start-server.ts';
import type { Config } from './platform/config/config.ts';

/** What a person sees when the server is up; the only place where the first key is ever printed. */
export function welcome({ firstStart, port, url, metricsUrl, databaseFolder }: RunningServer, config: Config): string {
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
  if (firstStart) lines.push(...secretsOf(firstStart, settings));
  lines.push('Ask it something:', '', `  ${exampleCall(firstStart, url)}`, '', 'Ctrl-C stops it.', '');
  return `\n${lines.join('\n')}\n`;
}

function secretsOf({ made, file }: FirstStart, { FLOWPACT_ADMIN_PASSWORD }: Config['settings']): string[] {
  if (file !== undefined) {
    return [
      'First start: an organisation was made for you. Its email, password and API key are in this file, which only this user can read:',
      '',
      `  ${file}`,
      '',
    ];
  }
  return [
    'First start: an organisation was made for you. These are shown once and never again:',
    '',
    `  Email     ${made.admin.email}`,
    `  Password  ${FLOWPACT_ADMIN_PASSWORD === undefined ? made.adminPassword : '(the one in FLOWPACT_ADMIN_PASSWORD)'}`,
    `  API key   ${made.apiKeySecret}`,
    '',
  ];
}

function exampleCall(firstStart: FirstStart | undefined, url: string): string {
  if (firstStart?.file !== undefined)
    return `. '${firstStart.file}' && curl -H "X-API-Key: $FLOWPACT_API_KEY" ${url}/v1/workflows`;
  return `curl -H 'X-API-Key: ${firstStart?.made.apiKeySecret ?? '<your API key>'}' ${url}/v1/workflows`;
}

function places(dataDir: string, databaseFolder: string): string {
  return resolve(dataDir) === databaseFolder ? dataDir : `${databaseFolder} and ${dataDir}`;
}
