import { ErrorMediaTypes } from './error-media-types.js';
import { OperationErrors } from './operation-errors.js';
import { OperationExamples } from './operation-examples.js';
import { OperationPolicies } from './operation-policies.js';
import { RequestBodyClosed } from './request-body-closed.js';
import { ResponseHeaders } from './response-headers.js';
import { SnakeCaseNames } from './snake-case-names.js';
import { NoRootDialect } from './no-root-dialect.js';

/** What the style of our contracts adds to the rules of Redocly; every rule takes its settings from `redocly.yaml`. */
export default function contractRules() {
  return {
    id: 'contract',
    rules: {
      oas3: {
        'error-media-types': ErrorMediaTypes,
        'no-root-dialect': NoRootDialect,
        'operation-errors': OperationErrors,
        'operation-examples': OperationExamples,
        'operation-policies': OperationPolicies,
        'request-body-closed': RequestBodyClosed,
        'response-headers': ResponseHeaders,
        'snake-case-names': SnakeCaseNames,
      },
    },
  };
}
