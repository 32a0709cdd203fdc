/**
 * Checks runs of equal or bit-packed values before they are decoded: a run's claimed length is what memory is taken
 * for, so it has to fit the page (Parquet's "RLE / bit-packing hybrid").
 */
import type { PageHeader } from 'hyparquet';

/** Bits that hold values up to `greatest`. */
function bitWidth(greatest: number): number {
  return 32 - Math.clz32(greatest);
}

/** A varint of at most five bytes as its reader takes it; gives the number and where it ends. */
function varint(view: DataView, start: number): [value: number, end: number] {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const part = view.getUint8(start + i);
    value += (part & 0x7f) * 2 ** (7 * i);
    if (part < 0x80) return [value, start + i + 1];
  }
  throw new RangeError('lengths of runs of at most 5 bytes expected');
}

/** Walks over the runs of `count` values of `width` bits that begin at `start`. */
function checkRuns(view: DataView, start: number, width: number, count: number): void {
  if (width > 32) throw new RangeError(`values of at most 32 bits expected in runs, found ${width}`);
  let at = start;
  let seen = 0;
  while (seen < count) {
    const [header, end] = varint(view, at);
    const packed = header % 2 === 1;
    const length = packed ? Math.floor(header / 2) * 8 : Math.floor(header / 2);
    // Packed runs are filled up to eight values.
    if (length === 0 || length > count - seen + (packed ? 7 : 0)) {
      throw new RangeError(`runs of at most ${count - seen} values expected in a page, found ${length}`);
    }
    at = end + (packed ? (length / 8) * width : Math.ceil(width / 8));
    seen += length;
  }
}

/** The runs of a page's levels and values, `page` being the unpacked bytes. */
export function checkPageRuns(
  page: Uint8Array,
  { data_page_header: first, data_page_header_v2: second }: PageHeader,
  greatestLevel: number,
  isBoolean: boolean,
): void {
  const facts = first ?? second;
  if (facts === undefined) return;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  if (first !== undefined && greatestLevel > 0) {
    checkRuns(view, 4, bitWidth(greatestLevel), first.num_values);
    at = 4 + view.getUint32(0, true);
  }
  if (!/^(RLE|.*_DICTIONARY)$/.test(String(facts.encoding))) return;
  const width = isBoolean ? 1 : view.getUint8(at);
  // Of no bits, the first kind has no runs.
  if (width > 0 || second !== undefined)
    checkRuns(view, isBoolean ? at + 4 : at + 1, width, facts.num_values);
}

/** The runs of the levels of a page of the second kind, which lie before what is packed. */
export function checkLevelRuns(
  packed: Uint8Array,
  { data_page_header_v2: facts }: PageHeader,
  greatestLevel: number,
): void {
  if (facts === undefined || greatestLevel === 0) return;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  checkRuns(view, facts.repetition_levels_byte_length, bitWidth(greatestLevel), facts.num_values);
}
