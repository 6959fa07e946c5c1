import type { LoggerService } from '@nestjs/common';
import type { Logger } from './logger.ts';

/**
 * Sends what Nest and the services log to pino. The first argument may be a text, an Error or an object of fields (with
 * the text second); the last one is the name of the component, as Nest passes it.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  /** Nest reports each module and route at this level: of interest to developers only. */
  log(message: unknown, ...rest: unknown[]): void {
    this.write(isNestInternal(rest.at(-1)) ? 'debug' : 'info', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  private write(
    level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace',
    message: unknown,
    rest: unknown[],
  ): void {
    const component =
      typeof rest.at(-1) === 'string' && rest.length > (isFields(message) ? 1 : 0) ? String(rest.pop()) : undefined;
    const text = rest.find((part) => typeof part === 'string' && !isStack(part));
    const stack = rest.find((part) => typeof part === 'string' && isStack(part));
    if (message instanceof Error) this.logger[level]({ component, err: message }, text as string | undefined);
    else if (isFields(message)) this.logger[level]({ component, ...message }, text as string | undefined);
    else this.logger[level]({ component, ...(stack === undefined ? {} : { stack }) }, String(message));
  }
}

const nestComponents = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'MikroOrmModule',
]);

function isNestInternal(component: unknown): boolean {
  return nestComponents.has(String(component));
}

function isFields(message: unknown): message is Record<string, unknown> {
  return typeof message === 'object' && message !== null && !(message instanceof Error);
}

function isStack(text: string): boolean {
  return /\n\s+at /.test(text);
}
