/** One dispatched event of a `text/event-stream` body. */
export interface StreamEvent {
  id?: string;
  event: string;
  data: string;
}

/**
 * Reads a whole stream (WHATWG HTML section 9.2.6). An event that the stream breaks off in is left out; with `complete`
 * nothing may be left over, so a remainder is returned as an event named `unfinished`.
 */
export function parseEventStream(text: string, options: { complete: boolean }): StreamEvent[] {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n');
  const remainder = blocks.pop() ?? '';
  const events = blocks.map(parseBlock).filter((event) => event !== undefined);
  if (options.complete && remainder.trim() !== '' && !remainder.startsWith(':')) {
    events.push({ event: 'unfinished', data: remainder });
  }
  return events;
}

function parseBlock(block: string): StreamEvent | undefined {
  const data: string[] = [];
  let event = 'message';
  let id: string | undefined;
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  }
  return data.length > 0 ? { id, event, data: data.join('\n') } : undefined;
}
