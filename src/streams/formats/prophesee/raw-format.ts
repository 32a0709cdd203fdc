import type { EventFormat } from '../format.ts';
import { sniffHeader } from './percent-header.ts';
import { RawDecoder, type RawWords } from './raw-decoder.ts';
import { RawEncoder, type WrittenWords } from './raw-encoder.ts';
import { isRawHeader, readRawHeader } from './raw-header.ts';
import { seekRaw } from './raw-seek.ts';

/** What the encoding of a RAW file is, as far as its head tells; undefined where it is none. */
function encodingOf(head: Uint8Array): string | undefined {
  const fields = sniffHeader(head)?.fields;
  if (fields === undefined || !isRawHeader(fields)) return undefined;
  try {
    return readRawHeader(fields).encoding ?? 'none';
  } catch {
    return 'none';
  }
}

/**
 * The format of RAW files in one encoding.
 * @param unsure how sure it is of RAW files in no encoding that is known, to say so
 */
export function rawFormat(words: RawWords, written?: WrittenWords, unsure = 0): EventFormat {
  return {
    name: words.encoding,
    title: words.title,
    extensions: ['.raw'],
    sniff: (head) => {
      const encoding = encodingOf(head);
      if (encoding === words.encoding) return 1;
      return encoding === undefined || encoding === 'evt2' || encoding === 'evt21' || encoding === 'evt3'
        ? 0
        : unsure;
    },
    createDecoder: (options = {}) => new RawDecoder(words, options),
    // EVT3's clock wraps every 17 s: how often it did cannot be told by looking into a few places.
    ...(words.highBits + words.lowBits < 32 ? {} : { seek: (...given) => seekRaw(words, ...given) }),
    ...(written === undefined ? {} : { createEncoder: (options) => new RawEncoder(words, written, options) }),
  };
}
