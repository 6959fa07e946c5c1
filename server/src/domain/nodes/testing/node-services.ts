import type { Json } from '../../domain-error.ts';
import { writeJson } from '../../json-pieces.ts';
import { KvSteps } from '../../kv/kv-steps.ts';
import { Sealer } from '../../sealer.ts';
import { Disclosure, type OpenCredential } from '../../vault/disclosure.ts';
import { SecretMarkers } from '../../vault/secret-markers.ts';
import { type StepOrigin, Vault } from '../../vault/vault.ts';
import {
  createNodeRegistry,
  NodeFailure,
  type NodeRegistry,
  type NodeServices,
  OutgoingHttp,
  OutgoingMail,
  type MailServer,
  type OutgoingMessage,
  type OutgoingRequest,
  type OutgoingResponse,
  type SentMessage,
} from '../index.ts';

/** Remembers what was sent and answers as it is told. */
export class RecordingHttp extends OutgoingHttp {
  readonly sent: OutgoingRequest[] = [];
  answer: () => OutgoingResponse = () => ({ status: 200, headers: {}, body: new Uint8Array(), duration: 3 });

  override async send(request: OutgoingRequest): Promise<OutgoingResponse> {
    this.sent.push(request);
    return this.answer();
  }
}

/** Remembers what was sent. */
export class RecordingMail extends OutgoingMail {
  readonly sent: { message: OutgoingMessage; server: MailServer }[] = [];
  refusal: Error | undefined;

  override async send(message: OutgoingMessage, server: MailServer): Promise<SentMessage> {
    this.sent.push({ message, server });
    if (this.refusal) throw this.refusal;
    return { accepted: [...message.to, ...message.cc, ...message.bcc], rejected: [] };
  }
}

/** Codes that only tests can make; it seals nothing. */
class CodesOnly extends Sealer {
  override seal(): never {
    throw new Error('Nothing is sealed here.');
  }

  override open(): never {
    throw new Error('Nothing is opened here.');
  }

  override codes(text: string): string[] {
    return [Buffer.from(text).toString('hex').slice(-32).padStart(32, '0')];
  }
}

/** Holds what a test gives it. */
export class TestVault extends Vault {
  readonly markers = new SecretMarkers(new CodesOnly());
  secrets: Record<string, string> = {};
  credentials: Record<string, OpenCredential['values']> = {};

  constructor() {
    super(undefined as never, new CodesOnly());
  }

  override async open({ executionId }: StepOrigin, params: Json, name?: string): Promise<Disclosure> {
    const names = this.markers.namesIn(executionId, await writeJson(params));
    const secrets = new Map(names.map((secret) => [secret, this.secrets[secret]!]));
    const values = name === undefined ? undefined : this.credentials[name];
    if (name !== undefined && !values) throw new NodeFailure('credential_not_found', name);
    const credential = values && { id: 'cred_1', name: name!, revision: 1, values };
    return new Disclosure(this.markers, executionId, secrets, credential);
  }
}

/** Services that reach nothing; those that a test looks at are given. */
export function testNodeServices(given: Partial<NodeServices> = {}): NodeServices {
  return {
    http: new RecordingHttp(),
    mail: new RecordingMail(),
    vault: new TestVault(),
    kv: new KvSteps(undefined as never, undefined as never),
    ...given,
  };
}

/** Every node type, over services that reach nothing. */
export function testNodeTypes(given: Partial<NodeServices> = {}): NodeRegistry {
  return createNodeRegistry(testNodeServices(given));
}
