# flake8: noqa

# import apis into api package
from flowpact.api.api_keys_api import ApiKeysApi
from flowpact.api.approvals_api import ApprovalsApi
from flowpact.api.auth_api import AuthApi
from flowpact.api.bulk_jobs_api import BulkJobsApi
from flowpact.api.callbacks_api import CallbacksApi
from flowpact.api.channels_api import ChannelsApi
from flowpact.api.credentials_api import CredentialsApi
from flowpact.api.executions_api import ExecutionsApi
from flowpact.api.forms_api import FormsApi
from flowpact.api.groups_api import GroupsApi
from flowpact.api.health_api import HealthApi
from flowpact.api.kv_api import KvApi
from flowpact.api.live_api import LiveApi
from flowpact.api.nodes_api import NodesApi
from flowpact.api.schedules_api import SchedulesApi
from flowpact.api.secrets_api import SecretsApi
from flowpact.api.triggers_api import TriggersApi
from flowpact.api.usage_api import UsageApi
from flowpact.api.webhooks_api import WebhooksApi
from flowpact.api.workflows_api import WorkflowsApi

