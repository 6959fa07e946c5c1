const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Characters that the shortest member takes: `"":1,`. */
const memberLength = 5;

/**
 * Whether an object in a JSON text has more names than so many. It reads nothing but brackets, commas and the ends of strings,
 * which takes a small part of the time of `JSON.parse`; of a text that is no JSON it may say either.
 */
export function hasMoreNames(text: string, names: number): boolean {
  if (text.length < names * memberLength) return false;
  /** Commas so far in the lists and objects that are open; of lists none are counted. */
  const counts: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        break;
      case openObject:
        counts.push(0);
        break;
      case openList:
        counts.push(-Infinity);
        break;
      case closeObject:
      case closeList:
        counts.pop();
        break;
      case comma: {
        const count = (counts.pop() ?? 0) + 1;
        if (count >= names) return true;
        counts.push(count);
      }
    }
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let from = start + 1; ;) {
    const end = text.indexOf('"', from);
    if (end < 0) return text.length;
    let before = end;
    while (text.charCodeAt(before - 1) === backslash) before -= 1;
    if ((end - before) % 2 === 0) return end;
    from = end + 1;
  }
}
