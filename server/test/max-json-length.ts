/**
 * The length of the longest JSON, in characters, that is parsed or written in one go while the work is done: it blocks the event
 * loop. It sees what the test file has loaded itself, so the server is one of `start-test-server.ts`; the test leaves large answers
 * as text.
 */
export async function maxJsonLength(work: () => unknown): Promise<number> {
  const { parse, stringify } = JSON;
  let max = 0;
  const saw = (text: string | undefined): void => void (max = Math.max(max, text?.length ?? 0));
  JSON.parse = (text: string, ...more: []) => {
    saw(text);
    return parse(text, ...more);
  };
  JSON.stringify = (...given: [unknown]) => {
    const text = stringify(...given);
    saw(text);
    return text;
  };
  try {
    await work();
  } finally {
    Object.assign(JSON, { parse, stringify });
  }
  return max;
}
