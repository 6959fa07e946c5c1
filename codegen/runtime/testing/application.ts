import type { AddressInfo } from 'node:net';

import type { ModuleMetadata, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Module } from '@nestjs/common';

import { ContractModule, type ContractModuleOptions, type ErrorFormat } from '../nest/index.ts';

export interface RunningApplication {
  readonly app: NestFastifyApplication;
  readonly url: string;
  fetch(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
  close(): Promise<void>;
}

/** An error format with two media types, of no product. */
export const errors: ErrorFormat = {
  bodies: {
    'application/json': ({ code, message, details }) => ({ code, message, details }),
    'application/problem+json': ({ code, status, message, details }) => ({
      type: `urn:error:${code}`,
      status,
      detail: message,
      code,
      details,
    }),
  },
};

/** A Nest application on a free port, with real HTTP. */
export async function start(
  controllers: readonly Type[],
  options: ContractModuleOptions,
  metadata: Pick<ModuleMetadata, 'providers' | 'imports'> = {},
  prepare: (app: NestFastifyApplication) => void | Promise<void> = () => undefined,
  adapter = new FastifyAdapter(),
): Promise<RunningApplication> {
  @Module({
    imports: [ContractModule.forRoot(options), ...(metadata.imports ?? [])],
    controllers: [...controllers],
    providers: [...(metadata.providers ?? [])],
  })
  class TestModule {}

  const app = await NestFactory.create<NestFastifyApplication>(TestModule, adapter, {
    logger: false,
    abortOnError: false,
  });
  try {
    await prepare(app);
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { app, url, fetch: (path, init) => fetch(`${url}${path}`, init), close: () => app.close() };
}
