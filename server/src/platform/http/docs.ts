import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { stringify } from 'yaml';

/** Serves the contract as it is at `/openapi.json` and `/openapi.yaml`, and Swagger UI over it at `/docs`. */
export function installDocs(app: NestFastifyApplication, contract: Record<string, unknown>): void {
  const document = contract as unknown as OpenAPIObject;
  SwaggerModule.setup('docs', app, document, {
    ui: false,
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
  // "Try it out" asks the server that the page came from, whatever address that has.
  SwaggerModule.setup(
    'docs',
    app,
    { ...document, servers: [{ url: '/', description: 'This server' }] },
    {
      raw: false,
      customSiteTitle: 'Flowpact API',
      swaggerOptions: {
        persistAuthorization: true,
        displayRequestDuration: true,
        displayOperationId: true,
        tryItOutEnabled: true,
        docExpansion: 'list',
        filter: true,
        validatorUrl: null,
      },
    },
  );
}

/** Serves the AsyncAPI document beside it, at `/asyncapi.yaml` and `/asyncapi.json`. */
export function installAsyncDocs(server: FastifyInstance, document: Record<string, unknown>): void {
  // Written when somebody asks for it: that takes longer than most of what a start does.
  let yaml: string | undefined;
  let json: string | undefined;
  server.get('/asyncapi.yaml', (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send((yaml ??= toYaml(document))),
  );
  server.get('/asyncapi.json', (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((json ??= JSON.stringify(document))),
  );
}

function toYaml(document: Record<string, unknown>): string {
  return stringify(document, { aliasDuplicateObjects: false, blockQuote: 'literal', lineWidth: 0 });
}
