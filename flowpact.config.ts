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
        'Cache-Control',
        'X-Accel-Buffering',
      ],
    },
  ],
  targets: [
    {
      target: 'asyncapi',
      contract: 'platform',
      out: 'generated/platform-live',
      options: { spec: 'spec/platform/asyncapi.yaml' },
    },
    {
      target: 'typescript-sdk',
      contract: 'platform',
      out: 'clients/typescript/src/generated',
      options: {
        coreImport: '../core/index.ts',
        envelope: { data: 'data', meta: 'meta' },
        requestIdHeader: 'X-Request-Id',
        pagination: {
          property: 'pagination',
          page: { parameter: 'page', current: 'page', hasNext: 'has_next' },
          cursor: { parameter: 'cursor', next: 'next_cursor' },
        },
        errors: {
          'application/json': {
            code: '/error/code',
            message: '/error/message',
            details: '/error/details',
            problems: '/error/details/errors',
            requestId: '/meta/request_id',
          },
          'application/problem+json': {
            code: '/code',
            message: '/detail',
            details: '/details',
            problems: '/details/errors',
            requestId: '/meta/request_id',
          },
        },
        methods: {
          streamExecutionEvents: 'stream',
          listWorkflowNodes: 'list',
          addWorkflowNode: 'add',
          getWorkflowNode: 'get',
          replaceWorkflowNode: 'replace',
          deleteWorkflowNode: 'delete',
          listWorkflowEdges: 'listEdges',
          addWorkflowEdge: 'addEdge',
          getWorkflowEdge: 'getEdge',
          replaceWorkflowEdge: 'replaceEdge',
          deleteWorkflowEdge: 'deleteEdge',
          listNodeTypes: 'listTypes',
          getNodeType: 'getType',
        },
        lastEvents: {
          streamExecutionEvents: {
            property: 'type',
            values: ['execution:completed', 'execution:failed', 'execution:cancelled'],
          },
        },
      },
    },
  ],
});
