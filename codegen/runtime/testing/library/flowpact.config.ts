import { defineConfig } from '../../../src/config.ts';

export default defineConfig({
  runtimeImport: '../../nest/index.ts',
  contracts: [
    {
      name: 'library',
      spec: 'openapi.yaml',
      out: 'generated',
      idempotencyHeader: 'Once-Key',
      errorCode: { 'application/json': '/code', 'application/problem+json': '/code' },
      suppliedProperties: ['info'],
    },
  ],
});
