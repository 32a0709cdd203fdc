import { averagePoolGradientKernel, averagePoolKernel } from '../../kernels/average-pool.ts';
import { batchNormGradientKernel, batchNormKernel } from '../../kernels/batch-norm.ts';
import { filterGradientKernel } from '../../kernels/convolution.ts';
import { definedElementwise } from '../../kernels/elementwise.ts';
import { KernelForms } from '../../kernels/kernel.ts';
import { maxPoolGradientKernel, maxPoolKernel } from '../../kernels/max-pool.ts';
import { definedNeurons } from '../../kernels/neuron.ts';
import type { WasmDevice } from '../device.ts';
import { batchNormForm, batchNormGradientForm } from './batch-norm.ts';
import { filterGradientForm } from './convolution.ts';
import { copies } from './copies.ts';
import { elementwiseForm } from './elementwise.ts';
import { neuronForm, neuronGradientForm } from './neuron.ts';
import { averagePoolForm, averagePoolGradientForm, maxPoolForm, maxPoolGradientForm } from './pooling.ts';
import { products } from './products.ts';
import { sums } from './sums.ts';

/** The kernels of the WebAssembly engine. */
export function wasmForms(device: WasmDevice): KernelForms {
  const forms = new KernelForms();
  for (const neuron of definedNeurons()) {
    forms.add(neuron.kernel, neuronForm(device, neuron));
    forms.add(neuron.gradientKernel, neuronGradientForm(device, neuron));
  }
  for (const elementwise of definedElementwise()) {
    forms.add(elementwise.kernel, elementwiseForm(device, elementwise));
  }
  forms.add(batchNormKernel, batchNormForm(device));
  forms.add(batchNormGradientKernel, batchNormGradientForm(device));
  forms.add(filterGradientKernel, filterGradientForm(device));
  forms.add(averagePoolKernel, averagePoolForm(device));
  forms.add(averagePoolGradientKernel, averagePoolGradientForm(device));
  forms.add(maxPoolKernel, maxPoolForm(device));
  forms.add(maxPoolGradientKernel, maxPoolGradientForm(device));
  for (const [name, make] of Object.entries({ ...copies, ...sums, ...products })) {
    forms.replace(name, (original) => make(device, original));
  }
  return forms;
}
