import { parseCookies } from '#runtime/nest/index.ts';
import { createParamDecorator, Injectable, type ExecutionContext } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { IssuedDevice } from '../../domain/session/known-devices.ts';
import { Config } from '../config/config.ts';
import { isLocal } from './session-cookie.ts';

const plainName = 'flowpact_device';
const secureName = `__Secure-${plainName}`;

/** Longer ones are none of ours. */
const longest = 128;

/**
 * The cookie by which a browser is known that somebody has signed in with. It opens nothing. Only the operations of sessions
 * get to see it; browsers take the `__Secure-` prefix (RFC 6265bis section 4.1.3.1) over TLS alone.
 */
@Injectable()
export class DeviceCookie {
  private readonly local: boolean;

  constructor(config: Config) {
    this.local = isLocal(config);
  }

  /** A `Set-Cookie` value by which the browser is known until then. */
  set({ cookie, expiresAt }: IssuedDevice): string {
    const name = this.local ? plainName : secureName;
    const maxAge = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000));
    return `${name}=${cookie}; Path=/v1/auth; HttpOnly; SameSite=Lax${this.local ? '' : '; Secure'}; Max-Age=${maxAge}`;
  }
}

/** What a request tells of the browser that sent it; undefined when it comes from something else. */
export function browserOf(headers: IncomingHttpHeaders): { device: string | undefined } | undefined {
  // Browsers send one or the other with each write.
  if (headers['sec-fetch-site'] === undefined && headers.origin === undefined) return undefined;
  const cookies = parseCookies(headers.cookie ?? '');
  const device = cookies.get(secureName) ?? cookies.get(plainName);
  return { device: device === undefined || device.length > longest ? undefined : device };
}

/** A parameter of a controller method: the browser that sent the request, if one did. */
export const Browser = createParamDecorator((_: unknown, context: ExecutionContext) =>
  browserOf(context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders }>().headers),
);
