import type { MailServer } from '../../domain/nodes/index.ts';

const defaultPorts = { tls: 465, starttls: 587, none: 25 } as const;

/**
 * The mail server that a URL names: `smtps:` encrypts from the first byte, `smtp:` by STARTTLS (RFC 8314, RFC 3207) before
 * anything is said, and `smtp:` with `?security=none` not at all. Undefined for anything else.
 */
export function parseSmtpUrl(text: string): MailServer | undefined {
  const url = URL.parse(text);
  if (!url?.hostname || !['', '/'].includes(url.pathname) || url.hash !== '') return undefined;
  const security = securityOf(url);
  const [username, password] = [url.username, url.password].map(decoded);
  if (!security || username === undefined || password === undefined) return undefined;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPorts[security] : Number(url.port),
    security,
    ...(username !== '' && { username, password }),
  };
}

function securityOf({ protocol, search }: URL): MailServer['security'] | undefined {
  if (protocol === 'smtps:' && search === '') return 'tls';
  if (protocol !== 'smtp:') return undefined;
  if (search === '') return 'starttls';
  return search === '?security=none' ? 'none' : undefined;
}

/** Undefined where a per cent sign begins nothing. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
