import { beforeEach, expect, test } from '@jest/globals';
import type { Frame } from './frame.ts';
import type { NodeRun } from './node-run.ts';
import { OpenFrames } from './open-frames.ts';

let frames: OpenFrames;
beforeEach(() => {
  frames = new OpenFrames();
});

function frame(prefix: string, ready: readonly string[], run?: NodeRun): Frame {
  return {
    prefix,
    ready: new Set(ready),
    active: new Map(),
    owner: run && { run, index: 0 },
    pathOf: (id: string) => prefix + id,
  } as unknown as Frame;
}

const run = (): NodeRun => ({}) as NodeRun;

test('of the nodes that may begin the first is that of the first path, whichever frame came first', () => {
  const [root, one, two] = [frame('', ['z', 'm']), frame('each[1].', ['b', 'a']), frame('each[0].', ['c'])];
  for (const each of [root, one, two]) frames.add(each);
  const order: string[] = [];
  for (let first = frames.firstReady(); first; first = frames.firstReady()) {
    order.push(first.frame.pathOf(first.id));
    first.frame.ready.delete(first.id);
  }
  expect(order).toEqual(['each[0].c', 'each[1].a', 'each[1].b', 'm', 'z']);
});

test('there are nodes that may begin while any open frame has one', () => {
  const [root, inner] = [frame('', []), frame('each[0].', ['a'], run())];
  frames.add(root);
  expect(frames.hasReady).toBe(false);
  frames.add(inner);
  expect(frames.hasReady).toBe(true);
  frames.delete(inner);
  expect(frames.hasReady).toBe(false);
  expect(frames.firstReady()).toBeUndefined();
});

test('frames of bodies are looked at when they open and after each end in them, once; that of the workflow never', () => {
  const [root, inner, other] = [frame('', []), frame('each[0].', [], run()), frame('each[1].', [], run())];
  for (const each of [root, inner, other]) frames.add(each);
  expect([frames.takeTouched(), frames.takeTouched(), frames.takeTouched()]).toEqual([inner, other, undefined]);
  frames.touch(root);
  frames.touch(other);
  frames.touch(other);
  expect([frames.takeTouched(), frames.takeTouched()]).toEqual([other, undefined]);
});

test('a frame that was closed is looked at no more', () => {
  const [inner, other] = [frame('each[0].', [], run()), frame('each[1].', [], run())];
  frames.add(inner);
  frames.add(other);
  frames.delete(inner);
  expect([frames.takeTouched(), frames.takeTouched()]).toEqual([other, undefined]);
});

test('the frames inside one node are taken away, and those of others stay', () => {
  const [each, fan] = [run(), run()];
  const [root, inner, other] = [frame('', []), frame('each[0].', ['a'], each), frame('fan[x].', ['b'], fan)];
  for (const one of [root, inner, other]) frames.add(one);
  expect(frames.takeInside(each)).toEqual([inner]);
  expect(frames.takeInside(each)).toEqual([]);
  expect(frames.firstReady()).toEqual({ frame: other, id: 'b', path: 'fan[x].b' });
});

test('nodes at work are those of all open frames', () => {
  const [a, b] = [run(), run()];
  const [root, inner] = [frame('', []), frame('each[0].', [], a)];
  root.active.set('each', a);
  inner.active.set('b', b);
  frames.add(root);
  frames.add(inner);
  expect(frames.active).toEqual([a, b]);
  frames.delete(inner);
  expect(frames.active).toHaveLength(1);
});
