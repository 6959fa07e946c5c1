import { defineConfig } from '../../codegen/src/config.ts';

export default defineConfig({
  runtimeImport: '../../codegen/runtime/nest/index.ts',
  contracts: [
    {
      name: 'catalogue',
      spec: 'contract/openapi.yaml',
      out: 'generated/catalogue',
      errorCode: { 'application/json': '/code' },
    },
  ],
});
