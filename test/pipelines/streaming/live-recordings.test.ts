import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inferLive } from '../../../pipelines/streaming/live-inference.ts';
import { type LoadedModel, loadModel } from '../../../pipelines/streaming/load-model.ts';
import { predictStream } from '../../../pipelines/streaming/predict-stream.ts';
import type { Dataset, LabelledRecording } from '../../../src/streams/datasets/dataset.ts';
import { openNmnist } from '../../../src/streams/datasets/nmnist.ts';
import { liveSource } from '../../../src/streams/live/live-source.ts';
import { sendEvents } from '../../../src/streams/live/send.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { makeTinyRun, tinyFeed, tinySensor } from './tiny-run.ts';

describeWithShared('real recordings', ['data/nmnist/nmnist_small_test100.tar.gz'], () => {
  let folder: string;
  let model: LoadedModel;
  let dataset: Dataset<LabelledRecording>;
  let recordings: readonly LabelledRecording[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxspike-recordings-'));
    await makeTinyRun(join(folder, 'run'), { feed: { ...tinyFeed, binMicros: 10_000 } });
    model = await loadModel(join(folder, 'run'), { engine: 'cpu' });
    dataset = await openNmnist(sharedPath('data/nmnist'));
    recordings = dataset.parts.test!.slice(0, 2);
  });
  afterAll(async () => {
    model.close();
    await dataset.close();
    await rm(folder, { recursive: true });
  });

  it('sent as datagrams by two cameras are predicted as they are from files', async () => {
    const expected = [];
    for (const recording of recordings) {
      const file = { ...recording, sensor: tinySensor };
      const stream = predictStream(file, model, { speed: 'max' });
      expected.push(await lastValueFrom(stream.predictions.pipe(toArray())));
    }
    const sources = await Promise.all(
      ['spif', ''].map((name) =>
        liveSource(`udp://127.0.0.1:0${name && `?protocol=${name}`}`, { sensor: tinySensor }),
      ),
    );
    const sending = Promise.all(
      sources.map(async (source, i) => {
        const { events } = await sendEvents(
          recordings[i]!.chunks(),
          `udp://127.0.0.1:${source.address!.port}`,
          { sensor: tinySensor, eventsPerSecond: 50_000 },
        );
        while (source.counters.received < events) await new Promise((resolve) => setTimeout(resolve, 5));
        await source.close();
      }),
    );
    const inference = inferLive(sources, model, { latenessMillis: 600_000 });
    const predictions = await lastValueFrom(inference.predictions.pipe(toArray()));
    await Promise.all([sending, inference.close()]);
    for (const [i, { id }] of sources.entries()) {
      const own = predictions.filter(({ camera }) => camera === id);
      expect(own).toHaveLength(expected[i]!.length);
      for (const [window, { probabilities, rates, ...rest }] of own.entries()) {
        const { probabilities: p, rates: r, ...other } = expected[i]![window]!;
        expect(rest).toMatchObject({
          startMicros: other.startMicros,
          endMicros: other.endMicros,
          events: other.events,
        });
        probabilities.forEach((probability, k) => {
          expect(probability).toBeCloseTo(p[k]!, 5);
        });
        for (const [layer, rate] of Object.entries(r)) expect(rates[layer]).toBeCloseTo(rate, 6);
      }
    }
    expect(expected.flat().some(({ rates }) => Object.values(rates).some((rate) => rate > 0))).toBe(true);
  });
});
