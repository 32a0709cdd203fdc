/**
 * Runs programs made by the assembler over the memory of the tfjs WebAssembly backend, on the calling thread and its
 * helpers. A program has a number of units of work that write to different places; each thread takes a share of
 * neighbouring units, so results do not depend on how many threads there are.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { EngineError } from '../../errors.ts';
import { type FunctionBuilder, moduleBytes, type ValueType } from './assembler.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

/** A compiled program. */
export interface Program {
  readonly id: number;
  readonly run: (...parameters: number[]) => void;
}

/** Parameters that every program has: first unit, unit after the last, number of the thread. */
export const UNIT_PARAMETERS: readonly ValueType[] = ['i32', 'i32', 'i32'];

/** The words through which threads meet, after which come the arguments as float64. */
const SEQUENCE = 0;
const PENDING = 1;
const READY = 2;
const FAILED = 3;
const PROGRAM = 4;
const UNITS = 5;
const ARGUMENTS = 6;
const WORDS = 8;
const MAXIMUM_ARGUMENTS = 32;

/** Values below which waking a helper costs more than it saves. */
const WORTH_SHARING = 16384;
/** Looks at a helper's answer before the thread goes to sleep. */
const SPINS = 4000;

/** What the helpers run. It waits inside its loop, so new programs come through a port that is read there. */
const helperScript = `
const { workerData, receiveMessageOnPort } = require('node:worker_threads');
const { memory, port, control, part, parts } = workerData;
const words = new Int32Array(memory.buffer, control, ${WORDS});
const values = new Float64Array(memory.buffer, control + ${4 * WORDS}, ${MAXIMUM_ARGUMENTS});
const programs = [];
let seen = Atomics.load(words, ${SEQUENCE});
Atomics.add(words, ${READY}, 1);
for (;;) {
  Atomics.wait(words, ${SEQUENCE}, seen);
  seen = Atomics.load(words, ${SEQUENCE});
  try {
    for (let received; (received = receiveMessageOnPort(port)); ) {
      const { id, module } = received.message;
      programs[id] = new WebAssembly.Instance(module, { env: { memory } }).exports.run;
    }
    const id = words[${PROGRAM}];
    if (id < 0) break;
    const units = words[${UNITS}];
    const begin = Math.floor((units * part) / parts);
    const end = Math.floor((units * (part + 1)) / parts);
    programs[id](begin, end, part, ...values.subarray(0, words[${ARGUMENTS}]));
  } catch (error) {
    Atomics.store(words, ${FAILED}, 1);
  }
  if (Atomics.sub(words, ${PENDING}, 1) === 1) Atomics.notify(words, ${PENDING});
}
`;

/** Memory of the backend, as its module gives it. */
export interface Heap {
  readonly memory: WasmMemory;
  allocate(bytes: number): number;
  free(address: number): void;
}

/** Threads over a heap. */
export class Processor {
  /** Threads that run programs, the calling one included. */
  readonly threads: number;
  readonly #heap: Heap;
  readonly #programs = new Map<string, Program>();
  readonly #ports: MessagePort[] = [];
  readonly #control: number;
  readonly #words: Int32Array;
  readonly #values: Float64Array;
  #scratch = { address: 0, bytes: 0 };

  constructor(heap: Heap, threads: number) {
    this.#heap = heap;
    this.threads = threads;
    this.#control = heap.allocate(4 * WORDS + 8 * MAXIMUM_ARGUMENTS);
    this.#words = new Int32Array(heap.memory.buffer, this.#control, WORDS).fill(0);
    this.#values = new Float64Array(heap.memory.buffer, this.#control + 4 * WORDS, MAXIMUM_ARGUMENTS);
    for (let part = 1; part < threads; part++) this.#startHelper(part);
  }

  #startHelper(part: number): void {
    const { port1, port2 } = new MessageChannel();
    const { memory } = this.#heap;
    const workerData = { memory, port: port2, control: this.#control, part, parts: this.threads };
    const options = { eval: true, execArgv: [], workerData, transferList: [port2] };
    // A helper never keeps the process alive.
    new Worker(helperScript, options).unref();
    this.#ports.push(port1);
  }

  /** The program of that key; it is built at the first call. */
  program(key: string, build: () => FunctionBuilder): Program {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const module = new webAssembly.Module(moduleBytes(build()));
    const instance = new webAssembly.Instance(module, { env: { memory: this.#heap.memory } });
    const program = { id: this.#programs.size, run: instance.exports['run'] as Program['run'] };
    for (const port of this.#ports) port.postMessage({ id: program.id, module });
    this.#programs.set(key, program);
    return program;
  }

  /**
   * Runs all units of a program and waits for them.
   * @param values how many values it touches, to judge whether helpers pay
   * @param parameters the program's own, after those that every program has
   */
  run(program: Program, units: number, values: number, parameters: readonly number[]): void {
    const helpers = this.#ports.length;
    const words = this.#words;
    if (helpers === 0 || units < 2 || values < WORTH_SHARING || Atomics.load(words, READY) < helpers) {
      program.run(0, units, 0, ...parameters);
      return;
    }
    words[PROGRAM] = program.id;
    words[UNITS] = units;
    words[ARGUMENTS] = parameters.length;
    this.#values.set(parameters);
    Atomics.store(words, PENDING, helpers);
    Atomics.add(words, SEQUENCE, 1);
    Atomics.notify(words, SEQUENCE);
    program.run(0, Math.floor(units / this.threads), 0, ...parameters);
    this.#await();
  }

  #await(): void {
    const words = this.#words;
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, PENDING) === 0) break;
    }
    for (let left = Atomics.load(words, PENDING); left > 0; left = Atomics.load(words, PENDING)) {
      Atomics.wait(words, PENDING, left);
    }
    if (words[FAILED] !== 0) throw new EngineError('engine wasm: a helper thread failed');
  }

  /** A view of float32 values in memory, good until the next allocation. */
  view(address: number, count: number): Float32Array {
    return new Float32Array(this.#heap.memory.buffer, address, count);
  }

  /** A view of whole numbers in memory, good until the next allocation. */
  integers(address: number, count: number): Int32Array {
    return new Int32Array(this.#heap.memory.buffer, address, count);
  }

  /** Memory for float32 values that lasts until the next call. */
  scratch(count: number): number {
    if (4 * count > this.#scratch.bytes) {
      if (this.#scratch.bytes > 0) this.#heap.free(this.#scratch.address);
      this.#scratch = { address: this.#heap.allocate(4 * count), bytes: 4 * count };
    }
    return this.#scratch.address;
  }

  /** Ends the helpers. */
  stop(): void {
    this.#words[PROGRAM] = -1;
    Atomics.add(this.#words, SEQUENCE, 1);
    Atomics.notify(this.#words, SEQUENCE);
    for (const port of this.#ports) port.close();
  }
}
