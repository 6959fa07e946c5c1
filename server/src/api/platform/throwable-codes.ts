/**
 * Every error code that the domain and the platform can throw. The runtime checks at the start that the contract declares
 * each; a test checks that the list is complete.
 */
export const throwableCodes: readonly string[] = [
  'api_key_not_active',
  'cross_site_request',
  'execution_already_finished',
  'execution_status_conflict',
  'expired_api_key',
  'expired_token',
  'form_slug_taken',
  'insufficient_scope',
  'invalid_api_key',
  'invalid_credentials',
  'invalid_token',
  'rate_limit_exceeded',
  'resource_not_found',
  'revision_conflict',
  'revoked_api_key',
  'service_unavailable',
  'trigger_disabled',
  'trigger_without_secret',
  'validation_error',
  'wait_closed',
  'workflow_already_published',
  'workflow_archived',
  'workflow_not_published',
  'workflow_paused',
  'workflow_status_conflict',
];
