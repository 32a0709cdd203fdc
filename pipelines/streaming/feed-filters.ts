import type { EventChunk, SensorSize } from '../../src/events.ts';
import type { Feed } from '../../src/models/feed.ts';
import { FilterChain, parseFilter } from '../../src/operators/filters/index.ts';
import { filteredChunks } from './filtered-chunks.ts';

/** The filters that a network was trained behind, for a sensor. */
export interface FeedFilters {
  /** Sensor of what comes out. */
  readonly sensor: SensorSize;
  /** The events through filters of their own; as they are, where there are none. */
  apply(chunks: AsyncIterable<EventChunk>): AsyncIterable<EventChunk>;
}

/** What a feed says of filters; an OptionError where one cannot be for this sensor. */
export function feedFilters({ filters = [] }: Pick<Feed, 'filters'>, sensor: SensorSize): FeedFilters {
  const chain = (): FilterChain => new FilterChain(filters.map(parseFilter), sensor);
  return {
    sensor: chain().sensor ?? sensor,
    apply: (chunks) => (filters.length === 0 ? chunks : filteredChunks(chunks, chain())),
  };
}
