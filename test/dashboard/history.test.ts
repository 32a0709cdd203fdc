import { expect, it } from 'vitest';
import { History } from '../../src/dashboard/history.ts';
import type { PredictionMessage, StepMessage } from '../../src/dashboard/messages.ts';

const sensor = { width: 4, height: 4 };

function prediction(camera: string, window: number): PredictionMessage {
  const [startMicros, endMicros] = [1000 * window, 1000 * window + 1000];
  return {
    type: 'prediction',
    camera,
    startMicros,
    endMicros,
    events: 1,
    classIndex: 0,
    probabilities: [1],
    rates: {},
  };
}

function step(batch: number): StepMessage {
  return {
    type: 'step',
    model: 'net',
    part: 'training',
    epoch: 1,
    batch,
    batches: 1e6,
    loss: batch,
    accuracy: 0,
    spikeRate: 0,
  };
}

it('tells what there is first, and keeps the last of every camera, in order', () => {
  const history = new History();
  for (let window = 0; window < 3000; window++) {
    for (const camera of ['left', 'right']) history.add(prediction(camera, window));
  }
  history.add({ type: 'camera', camera: 'left', sensor, classNames: ['a'] });
  history.add({ type: 'camera', camera: 'right', sensor, classNames: ['a'] });
  const messages = history.messages();
  expect(messages.slice(0, 2).map(({ type }) => type)).toEqual(['camera', 'camera']);
  const left = messages.filter((message) => message.type === 'prediction' && message.camera === 'left');
  expect(left).toEqual(Array.from({ length: 512 }, (_, index) => prediction('left', 3000 - 512 + index)));
  expect(messages).toHaveLength(2 + 2 * 512);
});

it('keeps the whole curve of a training, thinned, with its last point', () => {
  const history = new History();
  for (let batch = 1; batch <= 100_000; batch++) history.add(step(batch));
  const batches = history.messages().map((message) => (message as StepMessage).batch);
  expect(batches.length).toBeGreaterThan(1024);
  expect(batches.length).toBeLessThanOrEqual(2048 + 1);
  expect([batches[0], batches.at(-1)]).toEqual([1, 100_000]);
});
