import { InputError } from '../../../errors.ts';
import type { ReceptionHooks } from '../reception.ts';

/** Where a transport listens, or whom it listens to. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

/** What a transport tells besides events; nothing of it is fatal. */
export type TransportHooks = ReceptionHooks;

/** A transport at work. */
export interface Receiving {
  /** Where it listens, if it does, as the system chose it. */
  readonly address?: BoundAddress;
  /** Bytes of datagrams that the system lets wait. */
  readonly bufferBytes?: number;
  /** Reads what waits in the system. */
  drain(): Promise<void>;
  /** Ends; gives the datagrams that the system dropped, where it says. */
  close(): Promise<number | undefined>;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  EACCES: 'it needs a privilege',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name is not known',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the other side broke the connection',
  EPIPE: 'the other side closed the connection',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host is out of reach',
  ENOENT: 'no such path',
};

/** Why a network call failed, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? (message || `${code ?? error}`);
}

/** The error of an address at which nothing can listen. */
export function cannotListen(text: string, error: unknown): InputError {
  return new InputError(`${text}: cannot listen here: ${reasonOf(error)}`, undefined, { cause: error });
}
