import { JsonText, LateJson } from '#runtime/nest/index.ts';
import type { Json } from '../../domain/domain-error.ts';
import { StoredJson, type StoredValue, UnreadJson } from '../../domain/stored-json.ts';

/** A value as a part of a response: large JSON is sent as it is stored, and read when its turn comes. */
export function toSent(value: StoredValue): Json {
  if (value instanceof StoredJson) return new JsonText(value.text) as unknown as Json;
  if (value instanceof UnreadJson) return new LateJson(value.read) as unknown as Json;
  return value;
}
