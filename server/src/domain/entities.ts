import { ApiKeySecret } from './api-key/api-key-secret.entity.ts';
import { ApiKey } from './api-key/api-key.entity.ts';
import { channelEntities } from './channel/entities.ts';
import { formEntities } from './form/entities.ts';
import { Group } from './group/group.entity.ts';
import { KvEntry, KvStep } from './kv/kv-entry.entity.ts';
import { BulkJobItem } from './bulk-job/bulk-job-item.entity.ts';
import { BulkJob } from './bulk-job/bulk-job.entity.ts';
import { Organisation } from './organisation/organisation.entity.ts';
import { PasswordReset } from './password-reset/password-reset.entity.ts';
import { KnownDevice } from './session/known-device.entity.ts';
import { KnownLogin } from './session/known-login.entity.ts';
import { LoginAttempt } from './session/login-attempt.entity.ts';
import { RefreshToken } from './session/refresh-token.entity.ts';
import { Session } from './session/session.entity.ts';
import { StreamTicket } from './stream-ticket/stream-ticket.entity.ts';
import { User } from './user/user.entity.ts';
import { executionEntities } from './execution/entities.ts';
import { DomainEvent } from './event/domain-event.entity.ts';
import { EventSubscription } from './event/event-subscription.entity.ts';
import { StorageChange } from './storage/storage-change.entity.ts';
import { StorageUsage } from './storage/storage-usage.entity.ts';
import { Credential } from './vault/credential.entity.ts';
import { Secret } from './vault/secret.entity.ts';
import { WebhookAttempt } from './webhook/webhook-attempt.entity.ts';
import { WebhookDelivery } from './webhook/webhook-delivery.entity.ts';
import { Webhook } from './webhook/webhook.entity.ts';
import { triggerEntities } from './trigger/entities.ts';
import { WorkflowVersion } from './workflow/workflow-version.entity.ts';
import { Workflow } from './workflow/workflow.entity.ts';

/** Every entity of the platform; what is not listed here does not exist for the database. */
export const entities = [
  Organisation,
  User,
  ApiKey,
  ApiKeySecret,
  Session,
  RefreshToken,
  KnownDevice,
  KnownLogin,
  LoginAttempt,
  PasswordReset,
  StreamTicket,
  Group,
  Workflow,
  WorkflowVersion,
  ...executionEntities,
  ...triggerEntities,
  Secret,
  Credential,
  KvEntry,
  KvStep,
  BulkJob,
  BulkJobItem,
  DomainEvent,
  EventSubscription,
  Webhook,
  WebhookDelivery,
  WebhookAttempt,
  ...channelEntities,
  ...formEntities,
  StorageUsage,
  StorageChange,
];
