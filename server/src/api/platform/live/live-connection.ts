import type { RawData, WebSocket } from 'ws';
import { isLarge, jsonPieces } from '#runtime/nest/index.ts';
import { DomainError } from '../../../domain/domain-error.ts';
import type { EventFeed, ExecutionEvents } from '../../../domain/execution/execution-events.ts';
import { assertTicketFor } from '../../../domain/stream-ticket/stream-ticket.service.ts';
import type { Principal } from '../../../platform/auth/principal.ts';
import { toMessages } from '../executions/executions.mapper.ts';
import { translateError } from '../translate-error.ts';
import { readMessage, type ClientMessage, type ServerMessage } from './live-messages.ts';

/** Executions that one connection can follow at a time. */
const subscriptionLimit = 100;
/** Messages of a client that may wait for their answer. */
const waitingLimit = 100;

/** Close codes of RFC 6455 section 7.4.1, as the AsyncAPI document explains them. */
export const closeCodes = { done: 1000, goingAway: 1001, refused: 1008, fault: 1011 } as const;

/** One WebSocket: answers its client and sends it the events of what it follows. */
export class LiveConnection {
  readonly principal: Principal;
  readonly #socket: WebSocket;
  readonly #events: ExecutionEvents;
  readonly #fault: (error: unknown) => void;
  readonly #subscriptions = new Map<string, AbortController>();
  /** The connection was made for one execution and takes no subscriptions. */
  #single = false;
  #answered = true;
  #waiting = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, principal: Principal, events: ExecutionEvents, fault: (error: unknown) => void) {
    this.principal = principal;
    this.#socket = socket;
    this.#events = events;
    this.#fault = fault;
    socket.on('message', (data, binary) => this.#receive(data, binary));
    socket.on('pong', () => (this.#answered = true));
    // Its close follows and is all that matters.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const controller of this.#subscriptions.values()) controller.abort();
    });
  }

  /** Follows this one execution, and closes after its last event. `controller` ends the feed. */
  followOnly(executionId: string, after: number, feed: EventFeed, controller: AbortController): void {
    this.#single = true;
    this.#subscriptions.set(executionId, controller);
    void this.#pump(executionId, after, feed, controller, () =>
      this.close(closeCodes.done, 'The execution has ended.'),
    );
  }

  /** A sign of life is asked for; a client that gave none since the last time is cut off. */
  ping(): void {
    if (!this.#answered) return this.#socket.terminate();
    this.#answered = false;
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData, binary: boolean): void {
    this.#answered = true;
    this.#waiting += 1;
    if (this.#waiting > waitingLimit) {
      this.close(closeCodes.refused, 'Too many messages wait for their answer.');
      return;
    }
    this.#queue = this.#inTurn(this.#queue, binary ? '' : (data as Buffer).toString('utf8'));
  }

  async #inTurn(before: Promise<void>, text: string): Promise<void> {
    await before;
    try {
      await this.#answer(text);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #answer(text: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const message = readMessage(text);
    if ('problem' in message) return this.#refuse(message.executionId, 'validation_error', message.problem);
    if (message.type === 'ping') return this.#send({ type: 'pong', timestamp: new Date().toISOString() });
    if (this.#single) {
      const remedy = 'This connection follows one execution. Connect to /ws to subscribe to others.';
      return this.#refuse(message.execution_id, 'validation_error', remedy);
    }
    return message.type === 'subscribe' ? this.#subscribe(message) : this.#unsubscribe(message.execution_id);
  }

  async #subscribe({ execution_id: id, after }: Extract<ClientMessage, { type: 'subscribe' }>): Promise<void> {
    if (this.#subscriptions.has(id)) {
      return this.#refuse(id, 'already_subscribed', 'The execution is followed already; unsubscribe first.');
    }
    if (this.#subscriptions.size >= subscriptionLimit) {
      const remedy = `A connection follows ${subscriptionLimit} executions at most. End one or connect once more.`;
      return this.#refuse(id, 'too_many_subscriptions', remedy, { limit: subscriptionLimit });
    }
    const controller = new AbortController();
    const start = after ?? this.principal.ticket?.after ?? 0;
    let feed: EventFeed;
    try {
      assertTicketFor(this.principal.ticket, id);
      feed = await this.#events.follow(this.principal.organisationId, id, start, controller.signal);
    } catch (cause) {
      const error = translateError(cause);
      if (!(error instanceof DomainError)) throw error;
      return this.#refuse(id, error.code, error.message, error.details);
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return controller.abort();
    this.#subscriptions.set(id, controller);
    void this.#pump(id, start, feed, controller, async () => {
      this.#subscriptions.delete(id);
      await this.#send({ type: 'unsubscribed', execution_id: id, reason: 'ended' });
    });
  }

  async #unsubscribe(id: string): Promise<void> {
    const controller = this.#subscriptions.get(id);
    if (!controller) {
      return this.#refuse(id, 'resource_not_found', 'There is no subscription to this execution.', {
        resource: 'subscription',
        id,
      });
    }
    this.#subscriptions.delete(id);
    controller.abort();
    await this.#send({ type: 'unsubscribed', execution_id: id, reason: 'requested' });
  }

  /** Sends the events as fast as the client reads them: the next is fetched when this one has left. */
  async #pump(
    executionId: string,
    after: number,
    feed: EventFeed,
    { signal }: AbortController,
    ended: () => unknown,
  ): Promise<void> {
    try {
      for await (const { data } of toMessages(executionId, after, feed)) {
        if (signal.aborted) return;
        await this.#send(data);
      }
      if (!signal.aborted) await ended();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#fault(error);
    this.close(closeCodes.fault, 'The server failed. Connect again.');
  }

  #refuse(executionId: string | null, code: string, message: string, details: object = {}): Promise<void> {
    const timestamp = new Date().toISOString();
    return this.#send({ type: 'error', execution_id: executionId, error: { code, message, details }, timestamp });
  }

  /** Resolves when the message has left this process, so that a slow reader slows its own events only. */
  #send(message: ServerMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(encoded(message), { binary: false }, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** Large messages, which all who follow an execution share. */
const bytesOf = new WeakMap<ServerMessage, Buffer>();

function encoded(message: ServerMessage): string | Buffer {
  if (!isLarge(message)) return JSON.stringify(message);
  let bytes = bytesOf.get(message);
  if (!bytes) {
    bytes = Buffer.concat(Array.from(jsonPieces(message), (piece) => Buffer.from(piece)));
    bytesOf.set(message, bytes);
  }
  return bytes;
}
