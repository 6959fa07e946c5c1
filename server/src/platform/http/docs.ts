import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';

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
