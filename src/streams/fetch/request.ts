/** A transfer that failed, with whether another attempt may succeed. */
export class TransferFault extends Error {
  /** True where waiting may help. */
  readonly passing: boolean;
  /** Pause that the server asks for. */
  readonly retryAfterMillis: number | undefined;

  constructor(message: string, passing: boolean, retryAfterMillis?: number) {
    super(message);
    this.passing = passing;
    this.retryAfterMillis = retryAfterMillis;
  }

  /** The fault of an answer without a file. */
  static ofStatus(status: number, headers: Headers): TransferFault {
    const passing = status >= 500 || status === 408 || status === 416 || status === 425 || status === 429;
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    const pause = seconds >= 0 ? 1000 * seconds : undefined;
    return new TransferFault(`expected the file, the server answered with status ${status}`, passing, pause);
  }
}

/** An answer whose body is read block by block. */
export interface FileResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Throws a TransferFault where the connection breaks or falls silent. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the answer unread. */
  cancel(): Promise<void>;
}

export interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Silence after which the request is given up, in milliseconds. */
  readonly stallMillis: number;
  readonly signal?: AbortSignal;
}

const MOST_REDIRECTS = 10;
/** Errors of a network that do not pass by themselves. */
const LASTING = new Set(['ENOTFOUND', 'ERR_INVALID_URL', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT']);

/** Asks for a file, following redirects but none from https to http, and gives up where the server falls silent. */
export async function requestFile(
  url: string,
  { headers, stallMillis, signal }: RequestOptions,
): Promise<FileResponse> {
  const stop = new AbortController();
  const signals = signal === undefined ? [stop.signal] : [stop.signal, signal];
  let timer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(), stallMillis);
  };
  const faultOf = (error: unknown): unknown => {
    clearTimeout(timer);
    if (signal?.aborted || error instanceof TransferFault) return error;
    if (stop.signal.aborted) return new TransferFault(`no byte came for ${stallMillis / 1000} s`, true);
    const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    const reason = cause.message || cause.code || 'the connection broke';
    return new TransferFault(reason, !LASTING.has(cause.code ?? ''));
  };
  try {
    let place = new URL(url);
    for (let redirects = 0; ; redirects++) {
      alive();
      const response = await fetch(place, {
        // A coding on the way would hide the file's length and position.
        headers: { 'user-agent': 'rxspike', 'accept-encoding': 'identity', ...headers },
        redirect: 'manual',
        signal: AbortSignal.any(signals),
      });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) {
        return fileResponse(response, alive, () => clearTimeout(timer), faultOf);
      }
      await response.body?.cancel();
      const next = new URL(location, place);
      if (redirects >= MOST_REDIRECTS)
        throw new TransferFault(`more than ${MOST_REDIRECTS} redirects`, false);
      if (!/^https?:$/.test(next.protocol) || (place.protocol === 'https:' && next.protocol === 'http:')) {
        throw new TransferFault(
          `expected a redirect to ${place.protocol}//, found one to ${next.href}`,
          false,
        );
      }
      place = next;
    }
  } catch (error) {
    throw faultOf(error);
  }
}

function fileResponse(
  { status, headers, body }: Response,
  alive: () => void,
  done: () => void,
  faultOf: (error: unknown) => unknown,
): FileResponse {
  const coding = headers.get('content-encoding') ?? 'identity';
  async function* blocks(): AsyncGenerator<Uint8Array> {
    if (coding !== 'identity')
      throw new TransferFault(`expected the file as it is, found it ${coding}-coded`, false);
    try {
      for await (const block of body ?? []) {
        alive();
        yield block as Uint8Array;
      }
    } catch (error) {
      throw faultOf(error);
    } finally {
      done();
    }
  }
  return {
    status,
    headers,
    body: { [Symbol.asyncIterator]: blocks },
    cancel: async () => {
      done();
      await body?.cancel().catch(() => undefined);
    },
  };
}

/** `bytes 5-9/10` as its first position and the file's length, or a file of `bytes *`+`/10` as its length only. */
export function parseContentRange(
  text: string | null,
): { start: number | undefined; total: number | undefined } | undefined {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(text ?? '') ?? [];
  if (total === undefined) return undefined;
  return {
    start: start === undefined ? undefined : Number(start),
    total: total === '*' ? undefined : Number(total),
  };
}
