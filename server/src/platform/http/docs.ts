import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';

/** Serves Swagger UI at `/docs` over the contract itself, and the contract at `/openapi.json` and `/openapi.yaml`. */
export function installDocs(app: NestFastifyApplication, document: Record<string, unknown>): void {
  SwaggerModule.setup('docs', app, document as unknown as OpenAPIObject, {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
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
  });
}
