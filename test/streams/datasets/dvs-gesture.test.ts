import { readFileSync } from 'node:fs';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  aedat3Header,
  aedat3Packet,
  polarityPackets,
  specialEvent,
} from '../../../fixtures/recordings/aedat3-file.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError, InputError } from '../../../src/errors.ts';
import { openDvsGesture, readGestureLabels } from '../../../src/streams/datasets/dvs-gesture.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { collect, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const folderOf = temporaryFolders();
const events = barEvents('gesture', { width: 128, height: 128 }, 5000, 3_000_000);
const { t } = joinColumns([events]);
const file = Buffer.concat([
  aedat3Header('DVS128'),
  aedat3Packet(0, [specialEvent(1, 0)]),
  ...polarityPackets(events, 250),
]);
const spans = [
  [1, t[100]!, t[900]!],
  [11, t[1000]!, t[1001]!],
  [2, t[4000]!, t[4999]! + 1],
] as const;
const labels = `class,startTime_usec,endTime_usec\r\n${spans.map((span) => `${span.join(',')}\r\n`).join('')}`;

describe('DVS128 Gesture', () => {
  const files = {
    'DvsGesture/user01_natural.aedat': file,
    'DvsGesture/user01_natural_labels.csv': labels,
    'DvsGesture/user24_led.aedat': file,
    'DvsGesture/user24_led_labels.csv': labels,
    'DvsGesture/user05_lab.aedat': file,
    'DvsGesture/trials_to_train.txt': 'user01_natural.aedat\r\n',
    'DvsGesture/trials_to_test.txt': 'user24_led.aedat\n',
  };

  it('cuts recordings into labelled samples, in the parts of its makers', async () => {
    const dataset = await openDvsGesture(folderOf(files));
    expect(dataset.parts.train!.map(({ id, label }) => [id, label])).toEqual([
      ['user01_natural/0', 0],
      ['user01_natural/1', 10],
      ['user01_natural/2', 1],
    ]);
    expect(dataset.parts.test).toHaveLength(3);
    expect(dataset.classNames).toHaveLength(11);
    const tokens = await lastValueFrom(dataset.stream('train').pipe(toArray()));
    for (const [i, [, from, to]] of spans.entries()) {
      const found = joinColumns(await collect(tokens[i]!.chunks()));
      expect(found.t).toEqual(t.filter((time) => time >= from && time < to));
    }
    await dataset.close();
  });

  it('has one part where the lists are not there, and keys its samples apart', async () => {
    const { 'DvsGesture/trials_to_train.txt': _, 'DvsGesture/trials_to_test.txt': __, ...rest } = files;
    const dataset = await openDvsGesture(folderOf(rest));
    expect(dataset.parts.all).toHaveLength(6);
    expect(dataset.parts.train).toBeUndefined();
    const keys = await Promise.all(
      dataset.parts.all!.slice(0, 3).map((sample) => sample.contentKey!(async () => 'hash')),
    );
    expect(new Set(keys).size).toBe(3);
  });

  it('is named where it is not there, or its labels are damaged', async () => {
    await expect(openDvsGesture(folderOf({ 'a.txt': '' }))).rejects.toThrow(InputError);
    expect(() => readGestureLabels('class,start,end\n1,2,3\n12,3,4\n', 'a.csv')).toThrow(FormatError);
    expect(() => readGestureLabels('class,start,end\n1,2,3\n12,3,4\n', 'a.csv')).toThrow(
      'found "12,3,4" at byte 22',
    );
    expect(() => readGestureLabels('1,9,3\n', 'a.csv')).toThrow('class 1 to 11, start and end expected');
  });
});

const LABELS = 'data/recordings/dvsgesture_user01_natural_labels.csv';
describeWithShared('the labels of a real trial', [LABELS], () => {
  it('are read', () => {
    const found = readGestureLabels(readFileSync(sharedPath(LABELS), 'utf8'), LABELS);
    expect(found).toHaveLength(12);
    expect(found[0]).toEqual({ label: 0, fromMicros: 53036986, toMicros: 59508469 });
    expect(found.map(({ label }) => label + 1)).toEqual([1, 2, 3, 5, 4, 6, 7, 8, 8, 9, 10, 11]);
  });
});
