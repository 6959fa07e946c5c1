import { defineConfig } from './codegen/src/config.ts';

export default defineConfig({
  runtimeImport: './codegen/runtime/nest/index.ts',
  lintConfig: 'spec/redocly.yaml',
  contracts: [
    {
      name: 'platform',
      spec: 'spec/platform/openapi.yaml',
      out: 'generated/platform',
      idempotencyHeader: 'Idempotency-Key',
      errorCode: {
        'application/json': '/error/code',
        'application/problem+json': '/code',
      },
      suppliedProperties: ['meta'],
      suppliedHeaders: [
        'X-Request-Id',
        'X-RateLimit-Limit',
        'X-RateLimit-Remaining',
        'X-RateLimit-Reset',
        'X-RateLimit-Limit-Day',
        'X-RateLimit-Remaining-Day',
        'RateLimit-Policy',
        'RateLimit',
        'Retry-After',
        'Idempotent-Replayed',
        'WWW-Authenticate',
        'Allow',
        'Deprecation',
        'Sunset',
        'Link',
      ],
    },
  ],
});
