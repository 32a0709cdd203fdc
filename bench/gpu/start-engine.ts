/**
 * Starts an engine and has it multiply: `node dist/bench/gpu/start-engine.js ENGINE`. Prints a line of JSON: what runs, or
 * why nothing does.
 */
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engines/engine.ts';

const [name = 'auto'] = process.argv.slice(2);
try {
  const engine = await startEngine(name as 'auto');
  const product = tf.matMul(tf.ones([64, 32]), tf.fill([32, 16], 2));
  const values = await product.data();
  const wrong = values.find((value) => value !== 64);
  if (wrong !== undefined) throw new Error(`expected a product of 64, found ${wrong}`);
  console.log(JSON.stringify({ detail: engine.detail }));
} catch (error) {
  console.log(JSON.stringify({ reason: (error as Error).message.split('\n')[0] }));
}
process.exit();
