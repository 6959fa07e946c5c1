/**
 * The longest JSON, in characters, that is parsed or written in one go while the work is done: it holds up everybody else in the
 * process. Tests run in the same process as the server; whoever uses this leaves large answers as text.
 */
export async function longestJson(work: () => unknown): Promise<number> {
  const { parse, stringify } = JSON;
  let longest = 0;
  const saw = (text: string | undefined): void => void (longest = Math.max(longest, text?.length ?? 0));
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
  return longest;
}
