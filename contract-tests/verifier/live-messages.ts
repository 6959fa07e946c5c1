import { join } from 'node:path';
import { bundle, createConfig } from '@redocly/openapi-core';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Message {
  readonly $ref: string;
}

export interface AsyncDocument {
  readonly asyncapi: string;
  readonly channels: Record<string, { readonly address: string; readonly messages: Record<string, Message> }>;
  readonly operations: Record<
    string,
    {
      readonly action: 'send' | 'receive';
      readonly channel: Message;
      readonly messages: readonly Message[];
      readonly reply?: { readonly messages: readonly Message[] };
    }
  >;
  readonly components: {
    readonly messages: Record<string, { readonly payload: Message; readonly examples?: { payload: unknown }[] }>;
    readonly schemas: Record<string, { readonly properties: { readonly type: { readonly const: string } } }>;
  };
}

const FILE = join(import.meta.dirname, '..', '..', 'spec', 'platform', 'asyncapi.yaml');

/** The AsyncAPI document as its text says it, and whether a message is one that it describes. */
export class LiveMessages {
  readonly document: AsyncDocument;
  private readonly validators = new Map<string, ValidateFunction>();

  private constructor(document: AsyncDocument) {
    this.document = document;
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'live', ...document });
    for (const name of Object.keys(document.components.messages)) {
      this.validators.set(name, ajv.compile({ $ref: `live#/components/messages/${name}/payload` }));
    }
  }

  static async load(): Promise<LiveMessages> {
    const { bundle: bundled } = await bundle({ ref: FILE, config: await createConfig({}) });
    return new LiveMessages(structuredClone(bundled.parsed) as AsyncDocument);
  }

  /** For tests of the verifier itself. */
  static of(document: AsyncDocument): LiveMessages {
    return new LiveMessages(document);
  }

  /** What is wrong with a message that the server sent on a channel, or that a client may send. */
  problems(channel: string, from: 'server' | 'client', payload: unknown): string[] {
    const known = this.names(channel, from);
    const tried = known.map((name) => ({ name, validate: this.validators.get(name)! }));
    if (tried.some(({ validate }) => validate(payload))) return [];
    const { type } = Object(payload) as { type?: unknown };
    return [`no message of channel ${channel} fits ${String(type)}: ${JSON.stringify(payload).slice(0, 500)}`];
  }

  /** Names of the messages that a side may send on a channel. */
  names(channel: string, from: 'server' | 'client'): string[] {
    const operations = Object.values(this.document.operations).filter(
      (operation) => operation.channel.$ref === `#/channels/${channel}`,
    );
    const found = operations.flatMap(({ action, messages, reply }) => {
      if (from === 'server') return action === 'send' ? messages : (reply?.messages ?? []);
      return action === 'receive' ? messages : [];
    });
    return [...new Set(found.map(({ $ref }) => $ref.slice($ref.lastIndexOf('/') + 1)))];
  }
}
