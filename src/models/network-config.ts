import * as v from 'valibot';
import type { NetworkConfig } from './network.ts';
import { csnnSchema } from './networks/csnn.ts';
import { dfaNetSchema } from './networks/dfa-net.ts';
import { lyapunovNetSchema } from './networks/lyapunov-net.ts';
import { nmnistNetSchema } from './networks/nmnist-net.ts';
import { ssnnSchema } from './networks/ssnn.ts';
import { vggSchema } from './networks/vgg.ts';

const schemas: Readonly<Record<NetworkConfig['kind'], v.GenericSchema<unknown, NetworkConfig>>> = {
  ssnn: ssnnSchema,
  'nmnist-net': nmnistNetSchema,
  vgg: vggSchema,
  csnn: csnnSchema,
  'dfa-net': dfaNetSchema,
  'lyapunov-net': lyapunovNetSchema,
};

/** The schema of any network's configuration, told apart by `kind`. */
export const networkConfigSchema: v.GenericSchema<unknown, NetworkConfig> = v.lazy((config) => {
  const kind = (config as { kind?: unknown } | null)?.kind;
  return Object.hasOwn(schemas, String(kind)) ? schemas[kind as NetworkConfig['kind']] : unknownKind;
});

const unknownKind = v.never(`expected one of the networks ${Object.keys(schemas).join(', ')}`);
