import { z } from 'zod';
import { type MasterKey, parseMasterKeys } from '../crypto/master-keys.ts';
import { parseSmtpUrl } from './smtp-url.ts';

const integer = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d+$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= low && value <= high, `is not between ${low} and ${high}`);

const flag = z.enum(['true', 'false'], 'is neither true nor false').transform((value) => value === 'true');

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `is not a URL that starts with ${protocols.join('// or ')}//`,
    );

const origins = list.refine(
  (entries) => entries.every(isOrigin),
  'has an entry that is not an origin such as https://app.example.com',
);

const masterKeys = z.string().transform((text, context) => {
  const keys: readonly MasterKey[] | undefined = parseMasterKeys(text);
  if (keys) return keys;
  context.addIssue({ code: 'custom', message: 'is not a list of id:base64 with 32 bytes each and ids of their own' });
  return z.NEVER;
});

const smtpUrl = z.string().transform((text, context) => {
  const server = parseSmtpUrl(text);
  if (server) return server;
  context.addIssue({ code: 'custom', message: 'is not a URL such as smtps://user:password@mail.example.com:465' });
  return z.NEVER;
});

/** `local@domain`, or `Name <local@domain>`. */
const sender = z
  .string()
  .refine(
    (text) => z.email().safeParse(/^[^<>"\r\n]{1,100} <([^<>\s]+)>$/.exec(text)?.[1] ?? text).success,
    'is not an e-mail address such as no-reply@example.com or Flowpact <no-reply@example.com>',
  );

/** `false`, `true`, a number of proxies, or the proxies' addresses: the forms that Fastify's `trustProxy` takes. */
const proxies = z.string().transform((text): boolean | number | string[] => {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : list.parse(text);
});

/**
 * Every environment variable that the server reads. The description says what it does and ends with the remedy a reader
 * needs when the value is wrong; `docs/configuration.md` is made from it.
 */
export const variables = z.object({
  PORT: integer(0, 65_535).default(3000).describe('Port to listen on; 0 takes any free one.'),
  HOST: z
    .string()
    .min(1, 'is empty')
    .default('127.0.0.1')
    .describe('Address to listen on. Set 0.0.0.0 to be reached from other machines, for example in a container.'),
  PUBLIC_URL: url('http:', 'https:')
    .optional()
    .describe(
      'Origin under which clients reach the server, for example https://flowpact.example.com. It decides the cookie that browsers get. Derived from HOST and PORT unless set.',
    ),
  DATABASE_URL: url('postgresql:', 'postgres:')
    .optional()
    .describe(
      'A PostgreSQL server of your own (version 15 or newer), for example postgresql://user:password@localhost:5432/flowpact. Unset: an embedded PostgreSQL keeps its data in FLOWPACT_DATA_DIR.',
    ),
  DATABASE_POOL_SIZE: integer(8, 500).default(30).describe('Database connections of one server process at most.'),
  FLOWPACT_ROLE: z
    .enum(['api', 'worker', 'all'], 'is not one of api, worker, all')
    .default('all')
    .describe(
      'What the process does: api answers requests and runs nothing, worker runs executions, schedules and deliveries and answers only about its health and metrics, all does both. Any number of processes share one DATABASE_URL; there must be one that works.',
    ),
  FLOWPACT_DATA_DIR: z
    .string()
    .min(1, 'is empty')
    .default('.data')
    .describe(
      'Folder for the embedded PostgreSQL and for generated secrets. Started by root where only root may enter, the database lies below /var/lib/flowpact, in the folder that postgres.place names.',
    ),
  FLOWPACT_ADMIN_EMAIL: z
    .email('is not an e-mail address')
    .default('admin@flowpact.local')
    .describe('Email of the first user, made at the first start.'),
  FLOWPACT_ADMIN_PASSWORD: z
    .string()
    .min(12, 'is shorter than 12 characters')
    .optional()
    .describe('Password of the first user. Unset: a random one is made and shown once.'),
  FLOWPACT_FIRST_KEY: z
    .enum(['auto', 'print', 'file'], 'is not one of auto, print, file')
    .default('auto')
    .describe(
      'Where the password and the API key go that the first start makes: print writes them to standard output, file to first-start.env in FLOWPACT_DATA_DIR, which only this user can read; auto prints them on a terminal, and otherwise writes the file.',
    ),
  AUTH_SECRET: z
    .string()
    .min(32, 'is shorter than 32 characters')
    .optional()
    .describe(
      'Signs access tokens; all server processes of one installation share it. Unset: a random one is kept in FLOWPACT_DATA_DIR. Make one with "openssl rand -base64 48".',
    ),
  FLOWPACT_MASTER_KEYS: masterKeys
    .optional()
    .describe(
      'Encrypts secrets, credentials and stored values: comma-separated id:base64 with 32 bytes each, the newest first; all server processes of one installation share it. Unset: a random one is kept in FLOWPACT_DATA_DIR, in the file master.keys. Make one with "echo k1:$(openssl rand -base64 32)".',
    ),
  CORS_ORIGINS: origins
    .default([])
    .describe(
      'Comma-separated origins whose pages may call the API from a browser, for example https://app.example.com. None unless set.',
    ),
  TRUST_PROXY: proxies
    .default(false)
    .describe(
      'Whose X-Forwarded-* headers to believe: false, true, a number of proxies, or comma-separated addresses. Behind a proxy that is not believed all clients have one address, and share what is counted by address; true believes anybody, so set it only where nobody reaches the server but through a proxy.',
    ),
  BODY_LIMIT: integer(1_024, 104_857_600)
    .default(1_048_576)
    .describe('Largest request body in bytes, where the contract sets no limit of its own.'),
  REQUEST_TIMEOUT: integer(1, 600)
    .default(30)
    .describe('Seconds in which a client has to send its request; of its head, 60 at most.'),
  MAX_CONNECTIONS: integer(1, 1_000_000)
    .default(20_000)
    .describe(
      'Connections of clients that one server process has open at most, WebSockets and event streams among them; more are closed at once. Each takes a file descriptor, of which the operating system has to allow as many.',
    ),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000)
    .default(1_000)
    .describe(
      'Of MAX_CONNECTIONS, those that come from one IPv4 address or from one /64 of IPv6 addresses at most. Not looked at when TRUST_PROXY is set, since all connections come from the proxy then: bound them there.',
    ),
  SHUTDOWN_TIMEOUT: integer(0, 600)
    .default(15)
    .describe('Seconds that requests and steps in progress get to finish when the server stops.'),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'is not one of fatal, error, warn, info, debug, trace, silent',
    )
    .default('info')
    .describe('Least severe log line that is written.'),
  LOG_FORMAT: z
    .enum(['auto', 'pretty', 'json'], 'is not one of auto, pretty, json')
    .default('auto')
    .describe('json writes one object a line; auto does so unless the output is a terminal.'),
  METRICS_PORT: integer(0, 65_535)
    .optional()
    .describe(
      'Port of its own for GET /metrics (Prometheus), and nothing else; 0 takes any free one. Unset: /metrics is served on PORT to holders of METRICS_TOKEN, and not at all without one.',
    ),
  METRICS_HOST: z
    .string()
    .min(1, 'is empty')
    .default('127.0.0.1')
    .describe('Address that METRICS_PORT listens on. Set 0.0.0.0 to be asked from other machines.'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'is shorter than 16 characters')
    .optional()
    .describe('When set, /metrics wants it as a bearer token.'),
  RESPONSE_VALIDATION: z
    .enum(['throw', 'log', 'off'], 'is not one of throw, log, off')
    .default('log')
    .describe(
      'What happens to an answer that does not match the contract: refuse it with a 500, log it, or do not look.',
    ),
  OUTGOING_ALLOWED_HOSTS: list
    .default([])
    .describe(
      'Comma-separated hosts, host:port pairs, addresses or CIDR ranges on private networks that workflows may call all the same, for example localhost:8080. For development.',
    ),
  OUTGOING_CALLS: integer(8, 100_000)
    .default(256)
    .describe(
      'Calls to other servers, mail too, that one server process has under way at once for the nodes of workflows; an answer takes up to 5 MiB of memory each.',
    ),
  SMTP_URL: smtpUrl
    .optional()
    .describe(
      'Mail server for what the platform itself sends: links to set a new password. smtps:// encrypts from the first byte (port 465 unless named), smtp:// by STARTTLS (587), smtp://…?security=none not at all (25), for a server on this machine. A private address may be named. Name and password are percent-encoded. Needs MAIL_FROM, and a PUBLIC_URL that the links can lead to. Unset: no such mail is sent, and "npm run admin -- user reset-password" makes the links.',
    ),
  MAIL_FROM: sender
    .optional()
    .describe('Sender of what goes by SMTP_URL, for example Flowpact <no-reply@example.com>.'),
  FORM_MIN_SECONDS: integer(0, 60)
    .default(2)
    .describe(
      'Seconds that a person needs at least to fill in the page of a form; what comes sooner is asked to be sent again.',
    ),
  EVENT_CHAIN_EXECUTIONS: integer(1, 1_000_000)
    .default(100)
    .describe(
      'Executions that event triggers start at most that follow from one cause, over all branches; what would be more is refused and shown as last_error of the trigger.',
    ),
  LIVE_CONNECTIONS: integer(0, 1_000_000)
    .default(10_000)
    .describe('WebSockets and event streams that one server process holds open at most.'),
  LIVE_PING_INTERVAL: integer(1, 300)
    .default(15)
    .describe(
      'Seconds between two pings of a WebSocket; one that has not answered by the next is ended, and so is what is open with credentials that have ended.',
    ),
  WEBHOOK_RETRY_SECONDS: list
    .refine(
      (entries) => entries.length <= 50 && entries.every((entry) => /^\d{1,6}$/.test(entry)),
      'is not a list of seconds',
    )
    .transform((entries) => entries.map(Number))
    .default([5, 300, 1_800, 7_200, 18_000, 28_800, 28_800])
    .describe(
      'Comma-separated waits in seconds after each failed attempt to deliver to a webhook, which are lengthened by up to a fifth at random. There is one attempt more than waits.',
    ),
  WEBHOOK_DISABLE_AFTER_DAYS: integer(1, 365)
    .default(5)
    .describe('Days without a single success after which a webhook is disabled.'),
  RATE_LIMITS: flag.default(true).describe('false lifts the rate limits; the headers stay.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:')
    .optional()
    .describe('OpenTelemetry collector that traces go to, for example http://localhost:4318. None unless set.'),
  OTEL_SERVICE_NAME: z.string().min(1, 'is empty').default('flowpact').describe('Name of this service in traces.'),
});

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
