import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.ts';

const plainName = 'flowpact_session';

/**
 * The cookie that keeps a browser signed in. With the `__Host-` prefix (RFC 6265bis section 4.1.3.2) no other host can set
 * it; browsers want TLS for that, so that it has its plain name where the server's public address is http://localhost.
 */
@Injectable()
export class SessionCookie {
  readonly name: string;
  private readonly attributes: string;

  constructor(config: Config) {
    const local = isLocal(config);
    this.name = local ? plainName : `__Host-${plainName}`;
    this.attributes = `Path=/; HttpOnly; SameSite=Lax${local ? '' : '; Secure'}`;
  }

  /** A `Set-Cookie` value that signs a browser in until then. */
  set(value: string, expiresAt: Date): string {
    const maxAge = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000));
    return `${this.name}=${value}; ${this.attributes}; Max-Age=${maxAge}`;
  }

  /** A `Set-Cookie` value that signs it out. */
  clear(): string {
    return `${this.name}=; ${this.attributes}; Max-Age=0`;
  }
}

/** Whether the server's public address is one of this machine without TLS, where browsers take no prefixed cookie. */
export function isLocal(config: Config): boolean {
  const { protocol, hostname } = new URL(config.publicUrl());
  return protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]');
}
